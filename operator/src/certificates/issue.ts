import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';
import type { Pair } from './pair.ts';

const KEY: webcrypto.EcKeyGenParams & webcrypto.EcdsaParams = {
  name: 'ECDSA',
  namedCurve: 'P-256',
  hash: 'SHA-256',
};

interface Validity {
  readonly notBefore: Date;
  readonly notAfter: Date;
}

/** An authority of its own that signs nothing but certificates of servers. */
export async function issueAuthority(validity: Validity): Promise<Pair> {
  const keys = await newKeys();
  const certificate = await X509CertificateGenerator.createSelfSigned({
    ...validity,
    // Authorities that follow each other differ in their key identifiers.
    name: 'CN=transship webhook authority',
    keys,
    signingAlgorithm: KEY,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { cert: pemOf(certificate), key: await exportKey(keys.privateKey) };
}

/**
 * A certificate of a server with these DNS names and addresses, signed by `authority`.
 * @throws when the authority's key cannot be read
 */
export async function issueServing(
  authority: Pair,
  names: readonly string[],
  validity: Validity,
): Promise<Pair> {
  const signingKey = await importKey(authority.key);
  const keys = await newKeys();
  const issuer = new X509Certificate(authority.cert);
  const certificate = await X509CertificateGenerator.create({
    ...validity,
    subject: 'CN=transship webhook',
    issuer: issuer.subject,
    publicKey: keys.publicKey,
    signingKey,
    signingAlgorithm: KEY,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
      new SubjectAlternativeNameExtension(
        names.map((value) => ({ type: isIP(value) === 0 ? 'dns' : 'ip', value }) as const),
      ),
      await AuthorityKeyIdentifierExtension.create(issuer),
    ],
  });
  return { cert: pemOf(certificate), key: await exportKey(keys.privateKey) };
}

const newKeys = (): Promise<webcrypto.CryptoKeyPair> =>
  webcrypto.subtle.generateKey(KEY, true, ['sign', 'verify']);

async function exportKey(key: webcrypto.CryptoKey): Promise<string> {
  return `${PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY')}\n`;
}

function importKey(pem: string): Promise<webcrypto.CryptoKey> {
  const [der] = PemConverter.decode(pem);
  if (der === undefined) throw new Error('the key of the authority is no PEM');
  return webcrypto.subtle.importKey('pkcs8', der, KEY, false, ['sign']);
}

const pemOf = (certificate: X509Certificate): string => `${certificate.toString('pem')}\n`;
