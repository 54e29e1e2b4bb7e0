import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../clock.js';
import { FerruleError, messageOf } from '../errors.js';
import type { ConsoleSettings } from './schema.js';

export interface Certificate {
  /** PEM */
  cert: string;
  key: string;
  /** Wall ms; null: of a certificate that was given. */
  validUntil: number | null;
}

const DAY_MS = 86_400_000;
export const RENEW_BEFORE_MS = 30 * DAY_MS;

/**
 * The certificate to serve with; null: plain HTTP.
 * @param directory where the own certificate is kept (`tls: auto`)
 * @throws FER_CONSOLE_CERTIFICATE
 */
export async function loadCertificate(tls: ConsoleSettings['tls'], directory: string, clock: Clock): Promise<Certificate | null> {
  if (tls === 'off') return null;
  return tls === 'auto' ? await ownCertificate(directory, clock) : await givenCertificate(tls);
}

async function givenCertificate(files: { cert: string; key: string }): Promise<Certificate> {
  const [cert, key] = await Promise.all([readPem(files.cert), readPem(files.key)]);
  try {
    if (!new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))) throw new Error('the key does not belong to the certificate');
  } catch (error) {
    throw new FerruleError('FER_CONSOLE_CERTIFICATE', `The certificate of the web console cannot be used: ${messageOf(error)}.`, {
      where: { file: files.cert },
      hint: 'Both files must be PEM, the key without a passphrase; or set `console.tls` to auto.',
      cause: error,
    });
  }
  return { cert, key, validUntil: null };
}

async function readPem(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new FerruleError('FER_CONSOLE_CERTIFICATE', `The file cannot be read: ${messageOf(error)}.`, {
      where: { file },
      hint: 'Check the path and that the gateway may read it; or set `console.tls` to auto.',
      cause: error,
    });
  }
}

/** The certificate that was made at an earlier start, or a new one where it is missing, unusable or about to end. */
async function ownCertificate(directory: string, clock: Clock): Promise<Certificate> {
  const files = { cert: join(directory, 'console-cert.pem'), key: join(directory, 'console-key.pem') };
  const kept = await keptCertificate(files);
  if (kept !== null && kept.validUntil !== null && kept.validUntil - clock.now() > RENEW_BEFORE_MS) return kept;
  try {
    // Loaded only now: it is needed once in two years and costs 9 MB.
    const { makeCertificate } = await import('./make-certificate.js');
    const made = await makeCertificate(clock.now());
    await mkdir(directory, { recursive: true, mode: 0o700 });
    await replaceFile(files.key, made.key, 0o600);
    await replaceFile(files.cert, made.cert, 0o644);
    return made;
  } catch (error) {
    throw new FerruleError('FER_CONSOLE_CERTIFICATE', `The certificate of the web console could not be made: ${messageOf(error)}.`, {
      where: { file: files.cert },
      hint: 'Check that the data directory is writable and the disk not full.',
      cause: error,
    });
  }
}

async function keptCertificate(files: { cert: string; key: string }): Promise<Certificate | null> {
  try {
    const [cert, key] = await Promise.all([readFile(files.cert, 'utf8'), readFile(files.key, 'utf8')]);
    const parsed = new X509Certificate(cert);
    return parsed.checkPrivateKey(createPrivateKey(key)) ? { cert, key, validUntil: Date.parse(parsed.validTo) } : null;
  } catch {
    // Missing at the first start, or damaged: either way a new one is made.
    return null;
  }
}

async function replaceFile(file: string, content: string, mode: number): Promise<void> {
  const temporary = `${file}.new`;
  await writeFile(temporary, content, { mode, flush: true });
  await rename(temporary, file);
}
