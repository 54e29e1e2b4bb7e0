import { FerruleError, messageOf } from '../errors.js';
import type { Logger } from '../log.js';

/**
 * Puts a write that reaches out to a device into the log, with who asked for it: `console user anna`, `MQTT client plc-7`,
 * `Modbus master 10.0.0.5`. What failed is there too, as it may have taken effect. Passes on how it ends.
 */
export async function logged<Result>(
  log: Logger,
  who: { by: string } & Record<string, unknown>,
  write: () => Promise<Result>,
): Promise<Result> {
  try {
    const result = await write();
    log.info(who, 'written');
    return result;
  } catch (thrown) {
    const code = thrown instanceof FerruleError ? thrown.code : undefined;
    log.warn({ ...who, code, error: messageOf(thrown) }, mayHaveWritten(code) ? 'written, perhaps' : 'not written');
    throw thrown;
  }
}

/** Whether a write that ended with this code may have taken effect; undefined: with none. */
export function mayHaveWritten(code: string | undefined): boolean {
  return code === 'FER_FIELD_WRITE_UNCONFIRMED' || code === 'FER_FIELD_READ_BACK' || code === undefined;
}
