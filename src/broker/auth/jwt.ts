import { constants, createHmac, createPublicKey, type JsonWebKey, type KeyObject, timingSafeEqual, verify } from 'node:crypto';

export const JWT_ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'HS256',
  'HS384',
  'HS512',
] as const;
export type JwtAlgorithm = (typeof JWT_ALGORITHMS)[number];

/** Seconds that clocks may differ. */
export const JWT_LEEWAY_S = 30;
/** Weaker RSA keys are not taken. */
const MIN_RSA_BITS = 2048;

/** A key of a JWKS (RFC 7517), ready for use. Only public keys: a secret never comes from a JWKS. */
export interface VerificationKey {
  kid: string | null;
  /** What the key says it is for; null: it says nothing. */
  algorithm: string | null;
  key: KeyObject;
}

export interface JwtRules {
  algorithms: readonly JwtAlgorithm[];
  /** For HS256, HS384 and HS512. */
  secret?: string | undefined;
  audience?: string | undefined;
  issuer?: string | undefined;
}

export type JwtClaims = Record<string, unknown>;

/** Why a token is not taken, in words that its owner may read. */
export class JwtError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'JwtError';
  }
}

interface Header {
  alg: string;
  kid: string | null;
}

/** Three parts of base64url, the first of which is a JOSE header: what no password of a person looks like. */
export function looksLikeJwt(password: Buffer): boolean {
  if (password.length < 20 || password.length > 16_384) return false;
  const text = password.toString('latin1');
  return /^eyJ[\w-]+\.[\w-]+\.[\w-]*$/.test(text);
}

/**
 * The claims of a token whose signature and times hold. Throws JwtError.
 *
 * The algorithm is the token's word against the list in `rules`; each takes only keys of its own kind, so that a public key
 * is never used as a secret.
 * `keys`: public keys; `now`: wall ms.
 */
export function verifyJwt(token: string, rules: JwtRules, keys: readonly VerificationKey[], now: number): JwtClaims {
  const [head, body, signature] = token.split('.') as [string, string, string];
  const header = readHeader(head);
  const algorithm = rules.algorithms.find((allowed) => allowed === header.alg);
  if (algorithm === undefined) throw new JwtError(`the algorithm ${JSON.stringify(header.alg)} is not allowed`);
  const signed = Buffer.from(`${head}.${body}`, 'latin1');
  if (!isSigned(algorithm, signed, Buffer.from(signature, 'base64url'), header, rules, keys)) throw new JwtError('the signature is wrong');
  const claims = parseObject(body, 'claims');
  checkTimes(claims, now);
  if (rules.issuer !== undefined && claims.iss !== rules.issuer) throw new JwtError('the issuer is another one');
  if (rules.audience !== undefined && !audienceOf(claims).includes(rules.audience)) throw new JwtError('it is meant for another audience');
  return claims;
}

/** Wall ms after which the token holds no longer, leeway included; null: never. */
export function expiryOfClaims(claims: JwtClaims): number | null {
  return typeof claims.exp === 'number' ? (claims.exp + JWT_LEEWAY_S) * 1000 : null;
}

/** The keys of a JWKS document that signatures can be checked with; others are left out. Throws where it is no JWKS. */
export function readJwks(text: string): VerificationKey[] {
  const document: unknown = JSON.parse(text);
  const list = typeof document === 'object' && document !== null ? (document as { keys?: unknown }).keys : undefined;
  if (!Array.isArray(list)) throw new Error('it has no list named keys');
  return list.flatMap((entry: unknown) => readKey(entry));
}

function readKey(entry: unknown): VerificationKey[] {
  if (typeof entry !== 'object' || entry === null) return [];
  const jwk = entry as JsonWebKey & { use?: unknown; kid?: unknown; alg?: unknown };
  if (jwk.kty === 'oct' || (jwk.use !== undefined && jwk.use !== 'sig')) return [];
  try {
    const key = createPublicKey({ key: jwk, format: 'jwk' });
    return [{ kid: textOrNull(jwk.kid), algorithm: textOrNull(jwk.alg), key }];
  } catch {
    return [];
  }
}

function readHeader(head: string): Header {
  const header = parseObject(head, 'header');
  // RFC 7515, 4.1.11: what must be understood and is not.
  if (header.crit !== undefined) throw new JwtError('the header asks for extensions');
  if (typeof header.alg !== 'string') throw new JwtError('the header names no algorithm');
  return { alg: header.alg, kid: textOrNull(header.kid) };
}

function parseObject(part: string, what: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(part, 'base64url').toString());
  } catch {
    value = null;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new JwtError(`the ${what} can't be read`);
  return value as Record<string, unknown>;
}

function isSigned(
  algorithm: JwtAlgorithm,
  signed: Buffer,
  signature: Buffer,
  header: Header,
  rules: JwtRules,
  keys: readonly VerificationKey[],
): boolean {
  if (algorithm.startsWith('HS')) {
    if (rules.secret === undefined) return false;
    const expected = createHmac(`sha${algorithm.slice(2)}`, rules.secret)
      .update(signed)
      .digest();
    return signature.length === expected.length && timingSafeEqual(signature, expected);
  }
  return keys.some((candidate) => {
    if (header.kid !== null && candidate.kid !== null && candidate.kid !== header.kid) return false;
    if (candidate.algorithm !== null && candidate.algorithm !== algorithm) return false;
    return fits(algorithm, candidate.key) && isSignedBy(algorithm, signed, signature, candidate.key);
  });
}

const CURVES: Record<string, string> = { ES256: 'prime256v1', ES384: 'secp384r1', ES512: 'secp521r1' };

function fits(algorithm: JwtAlgorithm, key: KeyObject): boolean {
  const details = key.asymmetricKeyDetails;
  if (algorithm === 'EdDSA') return key.asymmetricKeyType === 'ed25519' || key.asymmetricKeyType === 'ed448';
  if (algorithm.startsWith('ES')) return key.asymmetricKeyType === 'ec' && details?.namedCurve === CURVES[algorithm];
  return key.asymmetricKeyType === 'rsa' && (details?.modulusLength ?? 0) >= MIN_RSA_BITS;
}

function isSignedBy(algorithm: JwtAlgorithm, signed: Buffer, signature: Buffer, key: KeyObject): boolean {
  if (algorithm === 'EdDSA') return verify(null, signed, key, signature);
  const hash = `sha${algorithm.slice(2)}`;
  // RFC 7518, 3.4: the two numbers one after the other, not in DER.
  if (algorithm.startsWith('ES')) return verify(hash, signed, { key, dsaEncoding: 'ieee-p1363' }, signature);
  if (algorithm.startsWith('RS')) return verify(hash, signed, key, signature);
  return verify(hash, signed, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }, signature);
}

function checkTimes({ exp, nbf }: JwtClaims, now: number): void {
  const seconds = now / 1000;
  for (const time of [exp, nbf]) {
    if (time !== undefined && (typeof time !== 'number' || !Number.isFinite(time))) throw new JwtError('its times are no numbers');
  }
  if (typeof exp === 'number' && seconds >= exp + JWT_LEEWAY_S) throw new JwtError('it has expired');
  if (typeof nbf === 'number' && seconds < nbf - JWT_LEEWAY_S) throw new JwtError('it is not valid yet');
}

function audienceOf({ aud }: JwtClaims): unknown[] {
  return Array.isArray(aud) ? aud : [aud];
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}
