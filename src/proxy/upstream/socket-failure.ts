import { LinkFailure } from './failure.ts'

/** What a socket, TLS or an HTTP parser says went wrong, in our words. */
export function socketFailure(error: Error): LinkFailure {
  if (error instanceof LinkFailure) return error
  const code = 'code' in error ? String(error.code) : ''
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    const hint = 'use the host name the certificate is for in "url"'
    return new LinkFailure('hopeless', 'the certificate is for another host name', { hint, cause: error })
  }
  if (untrusted.has(code)) {
    const hint = 'let NODE_EXTRA_CA_CERTS name the file of the certificate authority'
    return new LinkFailure('hopeless', `the certificate is not trusted: ${code}`, { hint, cause: error })
  }
  if (code === 'CERT_HAS_EXPIRED') return new LinkFailure('hopeless', 'the certificate has expired', { cause: error })
  return new LinkFailure('unreachable', reasons[code] ?? `the request failed: ${code || error.name}`, { cause: error })
}

const untrusted = new Set([
  ...['SELF_SIGNED_CERT_IN_CHAIN', 'DEPTH_ZERO_SELF_SIGNED_CERT', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
  ...['UNABLE_TO_GET_ISSUER_CERT', 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'CERT_UNTRUSTED'],
])

const OLD_TLS = 'the server speaks no version of TLS from 1.2 on'
const CLOSED = 'the server closed the connection'

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  EPIPE: CLOSED,
  ENOTFOUND: 'the host name is not known',
  EAI_AGAIN: 'the host name could not be looked up',
  ESERVFAIL: 'the host name could not be looked up',
  ETIMEOUT: 'the host name was not looked up in time',
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: OLD_TLS,
  ERR_SSL_UNSUPPORTED_PROTOCOL: OLD_TLS,
  EHOSTUNREACH: 'the host is not reachable',
  ENETUNREACH: 'the network is not reachable',
  HPE_INVALID_EOF_STATE: CLOSED,
  HPE_HEADER_OVERFLOW: 'the head of the answer is too large',
  UND_ERR_CONNECT_TIMEOUT: 'no connection in time',
  UND_ERR_HEADERS_OVERFLOW: 'the head of the answer is too large',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: CLOSED,
  UND_ERR_SOCKET: CLOSED,
}

export function closedByServer(): LinkFailure {
  return new LinkFailure('unreachable', CLOSED)
}

export function closedByUs(): LinkFailure {
  return new LinkFailure('ended', 'the connection was closed')
}
