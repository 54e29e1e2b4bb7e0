import { type TUnsafe, Type } from '../schema-types.js';

/**
 * A password or key: the text itself, or `{secret: name}`, which the loader looks up among systemd's credentials and in
 * secrets.yaml beside the configuration. Code behind the loader always sees the text.
 */
export function Secret(options: { description: string }): TUnsafe<string> {
  return Type.Unsafe<string>({
    anyOf: [
      { type: 'string', minLength: 1 },
      {
        type: 'object',
        required: ['secret'],
        properties: { secret: { type: 'string', minLength: 1, description: 'Name of the secret.' } },
        additionalProperties: false,
      },
    ],
    'x-secret': true,
    ...options,
  });
}

export interface FilePathOptions {
  description: string;
  default?: string;
  /** `file` and `directory` must exist and be readable; `optional`: may be missing. Default: `file`. */
  must?: 'file' | 'directory' | 'optional';
}

/**
 * A path in the configuration, relative to the file it stands in; absolute in the code. Where it can't be read, `check`
 * says so, and the gateway starts with a warning (the part that needs it fails alone).
 */
export function FilePath({ must = 'file', ...options }: FilePathOptions): TUnsafe<string> {
  return Type.Unsafe<string>({ type: 'string', minLength: 1, 'x-path': must, ...options });
}
