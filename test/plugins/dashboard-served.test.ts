import { World } from '../../testkit/shoal.ts'

/**
 * Tests without a browser: the page's files as a tracker serves them, in a checkout, under Deno and in the
 * single binary.
 */
const world = new World()
let base: string
beforeAll(async () => {
  const { ready } = await world.tracker()
  base = `${ready.url}/dashboard/`
})
afterAll(() => world.close())

/**
 * The files that a file of the page refers to: links of the HTML, paths of its import map, imports of a
 * module.
 */
function namedBy(text: string, type: string, packages: Record<string, string>): string[] {
  if (type.startsWith('text/html'))
    return [...text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path]) => path!)
  if (!type.startsWith('text/javascript')) return []
  return [...text.matchAll(/\b(?:from\s*["']|import\(["'](?=\.))([^"']+)["']/g)].map(
    ([, name]) => packages[name!] ?? name!,
  )
}

test('every file of the page is served with its type and the security headers', async () => {
  const html = await (await fetch(base)).text()
  const { imports } = JSON.parse(/<script type="importmap">([\s\S]*?)<\/script>/.exec(html)![1]!) as {
    imports: Record<string, string>
  }
  const packages = Object.fromEntries(
    Object.entries(imports).map(([name, path]) => [name, new URL(path, base).href]),
  )
  const types = new Map<string, string>()
  const wanted = [base]
  for (let url = wanted.pop(); url !== undefined; url = wanted.pop()) {
    if (types.has(url)) continue
    const answer = await fetch(url)
    const type = answer.headers.get('content-type') ?? ''
    expect({ url, status: answer.status }).toEqual({ url, status: 200 })
    expect(answer.headers.get('content-security-policy')).toMatch(/^default-src 'none'; script-src 'self' /)
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff')
    types.set(url, type)
    const names = namedBy(await answer.text(), type, packages)
    wanted.push(...names.map((name) => new URL(name, url).href))
  }
  expect(types.size).toBeGreaterThan(25)
  const kinds = new Set([...types.values()].map((type) => type.split(';')[0]))
  expect(kinds).toEqual(new Set(['text/html', 'text/css', 'text/javascript', 'image/svg+xml']))
  expect([...types.keys()].filter((url) => !url.startsWith(base))).toEqual([])
  for (const url of Object.values(packages)) expect(types.get(url)).toMatch(/^text\/javascript/)
})

test('a cached file gets a 304, and no file outside the page is served', async () => {
  const etag = (await fetch(`${base}app.js`)).headers.get('etag')!
  const again = await fetch(`${base}app.js`, { headers: { 'if-none-match': etag } })
  expect([again.status, await again.text()]).toEqual([304, ''])
  expect((await fetch(base.slice(0, -1), { redirect: 'manual' })).headers.get('location')).toBe('dashboard/')
  for (const path of ['tsconfig.json', '..%2fpage.ts', '%2e%2e%2fpackage.json', 'views', 'none.js'])
    expect([path, (await fetch(base + path)).status]).toEqual([path, 404])
})

test('the dashboard can be disabled, and the OpenAPI document omits it', async () => {
  const { ready } = await world.home('dan').start(['tracker', 'start', '--listen', '127.0.0.1:0'], {
    env: { SHOAL_DASHBOARD_ENABLED: 'false' },
  })
  expect((await fetch(`${ready.url}/dashboard/`)).status).toBe(404)
  expect(await (await fetch(new URL('/v1/openapi.json', base))).text()).not.toContain('dashboard')
})
