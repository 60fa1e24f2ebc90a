import { webcrypto, X509Certificate } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import type { X509CertificateCreateSelfSignedParams } from '@peculiar/x509'
import { writePrivateFile } from '../../packed/private-file.ts'
import { storageError } from '../../protocol/errors.ts'
import { fingerprint, type KeyPair } from '../../protocol/hello.ts'

/** A peer's key pair and self-signed certificate, made once per home. Its fingerprint is the peer's id. */
export type Identity = KeyPair

const VALID_YEARS = 30

/** Loads the identity of `home`, and makes it on first use. */
export async function loadIdentity(home: string): Promise<Identity> {
  const file = join(home, 'identity', 'peer.pem')
  try {
    if (!existsSync(file)) await writePrivateFile(file, await generatePem())
    return parsePem(readFileSync(file, 'utf8'))
  } catch (error) {
    throw storageError(error, file)
  }
}

/** An identity that lives no longer than this process. */
export const makeIdentity = async (): Promise<Identity> => parsePem(await generatePem())

function parsePem(pem: string): Identity {
  const at = pem.indexOf('-----BEGIN CERTIFICATE-----')
  const cert = pem.slice(at)
  return { peer: fingerprint(new X509Certificate(cert).raw), key: pem.slice(0, at), cert }
}

/**
 * This machine's addresses, for the certificate. Peers pin the certificate and ignore them, but other programs
 * (curl, aria2) compare them with the address that they connect to.
 */
function ownAddresses(): string[] {
  const addresses = Object.values(networkInterfaces()).flatMap((of = []) => of.map(({ address }) => address))
  return [...new Set(['127.0.0.1', '::1', ...addresses.filter((address) => !address.startsWith('fe80:'))])]
}

/** Uses ECDSA on P-256: every TLS 1.3 stack has it, and a handshake costs a tenth of one with RSA. */
async function generatePem(): Promise<string> {
  await import('reflect-metadata')
  const x509 = await import('@peculiar/x509')
  x509.cryptoProvider.set(webcrypto as Crypto)
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const notBefore = new Date(Date.now() - 24 * 3600_000)
  const notAfter = new Date(notBefore)
  notAfter.setFullYear(notAfter.getFullYear() + VALID_YEARS)
  const cert = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=shoal-peer',
    keys: keys as X509CertificateCreateSelfSignedParams['keys'],
    signingAlgorithm: algorithm,
    notBefore,
    notAfter,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.SubjectAlternativeNameExtension(
        ownAddresses().map((value) => ({ type: 'ip' as const, value })),
      ),
    ],
  })
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64')
  const key = pkcs8.match(/.{1,64}/g)?.join('\n')
  return `-----BEGIN PRIVATE KEY-----\n${key}\n-----END PRIVATE KEY-----\n${cert.toString('pem')}\n`
}
