import { announcedUrl, serviceUrl } from '../../../protocol/listen.ts'

const LOOPBACK = { address: '127.0.0.1', internal: true }
const IPV6 = [
  { address: '::1', internal: true },
  { address: 'fe80::1', internal: false },
]
const HOST = { address: '192.0.2.7', internal: false }

test.each([
  // listens on, interfaces, announced
  ['10.1.2.3', [LOOPBACK, HOST], 'http://10.1.2.3:80'],
  ['127.0.0.1', [LOOPBACK, HOST], 'http://127.0.0.1:80'],
  ['0.0.0.0', [LOOPBACK, ...IPV6, { address: '169.254.1.1', internal: false }, HOST], 'http://192.0.2.7:80'],
  ['0.0.0.0', [LOOPBACK, { address: '2001:db8::7', internal: false }], 'http://127.0.0.1:80'],
  ['::', [LOOPBACK, ...IPV6, { address: '2001:db8::7', internal: false }], 'http://[2001:db8::7]:80'],
  ['::', [...IPV6, { address: '2001:db8::7', internal: false }, HOST], 'http://192.0.2.7:80'],
  ['::', [LOOPBACK, ...IPV6], 'http://127.0.0.1:80'],
])('a service that listens on %s of a host with %j announces %s', (host, addresses, url) => {
  expect(announcedUrl('http', host, 80, addresses)).toBe(url)
})

test('the local URL of a service on every address uses loopback', () => {
  expect(serviceUrl('https', '0.0.0.0', 8443)).toBe('https://127.0.0.1:8443')
  expect(serviceUrl('http', 'fd00::1', 80)).toBe('http://[fd00::1]:80')
})
