import 'reflect-metadata';
import { randomBytes, webcrypto } from 'node:crypto';
import { hostname, networkInterfaces } from 'node:os';
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type JsonGeneralName,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from '@peculiar/x509';
import type { Certificate } from './certificate.js';

const DAY_MS = 86_400_000;
/** Browsers refuse certificates for longer than 825 days. */
const VALID_MS = 730 * DAY_MS;
/** A gateway without a battery clock may start in the past. */
const BACKDATE_MS = 365 * DAY_MS;
const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

/** A self-signed certificate for every name and address of this machine, with its key. */
export async function makeCertificate(now: number): Promise<Certificate> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const validUntil = now + VALID_MS;
  const certificate = await X509CertificateGenerator.createSelfSigned(
    {
      // The top bit is cleared: a serial number is a positive integer.
      serialNumber: `00${randomBytes(16).toString('hex').slice(2)}`,
      name: [{ CN: [hostname()] }, { O: ['Ferrule gateway'] }],
      notBefore: new Date(now - BACKDATE_MS),
      notAfter: new Date(validUntil),
      keys,
      signingAlgorithm: ALGORITHM,
      extensions: [
        new BasicConstraintsExtension(false, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
        new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
        new SubjectAlternativeNameExtension(ownNames()),
      ],
    },
    webcrypto,
  );
  const key = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
  const lines = key.match(/.{1,64}/g)?.join('\n') ?? '';
  return {
    cert: `${certificate.toString('pem')}\n`,
    key: `-----BEGIN PRIVATE KEY-----\n${lines}\n-----END PRIVATE KEY-----\n`,
    validUntil,
  };
}

/** Every name and address that a browser on the LAN may use. */
function ownNames(): JsonGeneralName[] {
  const host = hostname().toLowerCase();
  const names = new Set(['localhost', host, host.includes('.') ? host : `${host}.local`]);
  const addresses = Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .filter((entry) => entry.scopeid === undefined || entry.scopeid === 0);
  const ips = new Set(['127.0.0.1', '::1', ...addresses.map((entry) => entry.address)]);
  return [
    ...Array.from(names, (value) => ({ type: 'dns' as const, value })),
    ...Array.from(ips, (value) => ({ type: 'ip' as const, value })),
  ];
}
