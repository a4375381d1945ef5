import { createPrivateKey, X509Certificate } from 'node:crypto';

/** A certificate and its key, PEM. */
export interface Pair {
  readonly cert: string;
  readonly key: string;
}

/** What a pair says of itself. */
export interface Look {
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** DNS names and addresses, sorted. */
  readonly names: readonly string[];
  readonly certificate: X509Certificate;
}

/** null: not a certificate with its own key. */
export function look({ cert, key }: Pair): Look | null {
  try {
    const certificate = new X509Certificate(cert);
    if (!certificate.checkPrivateKey(createPrivateKey(key))) return null;
    return {
      notBefore: new Date(certificate.validFrom),
      notAfter: new Date(certificate.validTo),
      names: namesOf(certificate),
      certificate,
    };
  } catch {
    return null;
  }
}

/** Whether `issuer` signed `certificate`. */
export const issued = (issuer: X509Certificate, certificate: X509Certificate): boolean =>
  certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);

function namesOf({ subjectAltName = '' }: X509Certificate): string[] {
  const entries = subjectAltName.split(', ').map((entry) => entry.slice(entry.indexOf(':') + 1));
  return entries.filter((name) => name !== '').toSorted();
}

/** The certificates of a PEM bundle, each as its own PEM; what cannot be read is left out. */
export function certificatesIn(bundle: string): { readonly pem: string; readonly notAfter: Date }[] {
  const found = bundle.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return found.flatMap((text) => {
    try {
      return [{ pem: `${text}\n`, notAfter: new Date(new X509Certificate(text).validTo) }];
    } catch {
      return [];
    }
  });
}
