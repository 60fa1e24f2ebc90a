import { randomBytes } from 'node:crypto'
import { appendFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { freePort } from '../../testkit/redis-process.ts'
import { type Home, type Running, World } from '../../testkit/shoal.ts'
import { browserTest, CHROMIUM, enterGroup, fillIn, launchBrowser, WatchedPage } from '../support/browser.ts'

/** Tests the page in a real browser, with a real tracker and real users. */
const world = new World()
let browser: Browser
let tracker: Running
let listen: string[]
let url: string
const homes = {} as Record<'ada' | 'bob' | 'cyd', Home>
const opened: WatchedPage[] = []

beforeAll(async () => {
  if (!CHROMIUM) return
  const starting = launchBrowser()
  listen = ['--listen', `127.0.0.1:${await freePort()}`]
  tracker = await world.tracker('data', listen)
  url = `${tracker.ready.url}/dashboard/`
  const [ada, bob, cyd] = await world.users('ada', 'bob', 'cyd')
  Object.assign(homes, { ada, bob, cyd })
  await homes.ada.ok('group create team')
  browser = await starting
}, 60_000)
afterAll(async () => {
  await browser?.close()
  await world.close()
}, 60_000)
afterEach(async () => {
  const problems = opened.flatMap((each) => each.problems)
  await Promise.all(opened.splice(0).map((each) => each.close()))
  expect(problems).toEqual([])
})

async function open(): Promise<WatchedPage> {
  const watched = await WatchedPage.open(browser, url)
  opened.push(watched)
  return watched
}

/** A page that shows the group, with `user` signed in. */
async function openTeam(user: string): Promise<WatchedPage> {
  const watched = await open()
  await enterGroup(watched.page, user, 'team')
  return watched
}

/** Presses Tab until the button `name` has the focus. Fails if it never gets it. */
async function tabTo(page: Page, name: string): Promise<void> {
  const focused = page.getByRole('button', { name, exact: true }).and(page.locator(':focus'))
  for (let i = 0; i < 40 && !(await focused.isVisible()); i++) await page.keyboard.press('Tab')
  expect(await page.locator(':focus').textContent()).toBe(name)
}

const focusedText = (page: Page): Promise<string | null> => page.locator(':focus').textContent()

browserTest('a wrong password shows one clear sentence, the right one shows the groups', async () => {
  const { page, problems } = await open()
  await fillIn(page, 'ada', 'wrong horse battery')
  const alert = page.getByRole('alert')
  await alert.filter({ hasText: /\S/ }).waitFor()
  expect(await alert.textContent()).toBe('The user name or password is wrong.')
  // The browser itself logs each refusal on the console.
  expect(problems.splice(0)).toEqual([expect.stringContaining('401 (Unauthorized)')])
  await page.getByLabel('Password').fill('correct horse battery')
  await page.keyboard.press('Enter')
  await page.getByRole('link', { name: 'team' }).waitFor()
  expect([await page.title(), await focusedText(page)]).toEqual(['Groups – Shoal', 'Groups'])
  // Another tab must sign in: the session belongs to this tab.
  const other = await page.context().newPage()
  await other.goto(url)
  await other.getByRole('heading', { name: 'Sign in to Shoal' }).waitFor()
  await page.reload()
  await page.getByRole('link', { name: 'team' }).waitFor()
})

browserTest('join requests appear live, and the keyboard alone can accept and reject them', async () => {
  const { page } = await openTeam('ada')
  await page.getByText('Nobody is waiting.').waitFor()
  await homes.bob.ok('group join team')
  await page.getByRole('status').filter({ hasText: 'bob asks to join.' }).waitFor()
  const asker = await open()
  await fillIn(asker.page, 'cyd', 'correct horse battery')
  await asker.page.getByRole('button', { name: 'Ask to join team' }).click()
  await asker.page.getByRole('button', { name: 'Asked team' }).waitFor()
  await page.getByRole('rowheader', { name: 'cyd' }).waitFor()
  await tabTo(page, 'Accept bob')
  await page.keyboard.press('Enter')
  await page.getByRole('table', { name: 'Members' }).getByRole('rowheader', { name: 'bob' }).waitFor()
  expect(await focusedText(page)).toBe('Accept cyd')
  await tabTo(page, 'Reject cyd')
  await page.keyboard.press('Space')
  await page.getByText('Nobody is waiting.').waitFor()
  expect(await focusedText(page)).toBe('Join requests')
  const { members } = await homes.ada.ok<{ members: { user: string }[] }>('group show team')
  expect(members.map(({ user }) => user).sort()).toEqual(['ada', 'bob'])
})

browserTest('a new file appears when it is published, with its versions and its seeds', async () => {
  const { page } = await openTeam('ada')
  const path = join(homes.bob.folder, 'plan <b>.txt')
  writeFileSync(path, 'one')
  await homes.bob.ok(['peer', 'upload', path, '--group', 'team'])
  await page.getByRole('link', { name: 'plan <b>.txt' }).click()
  expect(await focusedText(page)).toBe('plan <b>.txt')
  const versions = page.getByRole('table', { name: 'Versions' })
  await versions.getByRole('rowheader', { name: 'Version 1' }).waitFor()
  appendFileSync(path, ' and two')
  await homes.bob.ok(['peer', 'upload', path, '--group', 'team'])
  await versions.getByRole('rowheader', { name: 'Version 2' }).waitFor()
  expect(await versions.getByRole('rowheader').allTextContents()).toEqual(['Version 2', 'Version 1'])
  await page.getByText('11 B · version 2 · published by bob').waitFor()
  const peers = page.getByRole('table', { name: 'Peers of this file' })
  await peers.getByRole('rowheader', { name: 'bob' }).waitFor()
  await peers.getByRole('img', { name: 'holds the whole file' }).waitFor()
  await page.getByText('Every part is available at least once.').waitFor()
})

browserTest('the picture shows a downloading peer, its parts and its rate', async () => {
  const { page } = await openTeam('ada')
  writeFileSync(join(homes.ada.folder, 'large.bin'), randomBytes(30_000_000))
  await homes.ada.ok('peer upload large.bin --group team')
  await page.getByRole('link', { name: 'large.bin' }).first().click()
  const row = page.getByRole('table', { name: 'Peers of this file' }).getByRole('row', { name: /^bob/ })
  // Slow enough to be seen. The download ends with the command.
  const download = homes.bob.spawn('peer download team:large.bin --max-down 1500KB')
  await row.getByRole('img', { name: /^holds \d+ of 58 parts/ }).waitFor()
  await row
    .getByRole('cell', { name: /^[\d.]+ [KM]iB\/s$/ })
    .first()
    .waitFor()
  await page.getByRole('img', { name: /^Copies of each part: 1 to 2$/ }).waitFor()
  await page.getByText('Every part is available at least once.').waitFor()
  await page.getByRole('link', { name: 'team' }).click()
  const moving = page.getByRole('table', { name: 'Moving now' })
  await moving.getByRole('rowheader', { name: 'large.bin' }).waitFor()
  download.kill('SIGTERM')
})

for (const file of ['parts.css', 'views/group.js'])
  browserTest(`a page reloads itself if ${file} fails to load`, async () => {
    const context = await browser.newContext()
    const page = await context.newPage()
    await page.route(url + file, (route) => route.abort('connectionreset'), { times: 1 })
    await page.goto(url)
    await page.getByLabel('User name').waitFor()
    const rules = '[...document.styleSheets].map(({ cssRules }) => cssRules.length > 0)'
    expect(await page.evaluate(rules)).toEqual(Array(4).fill(true))
    expect(await page.evaluate('performance.getEntriesByType("navigation")[0].type')).toBe('reload')
    await context.close()
  })

browserTest('a request whose connection breaks is silently retried with the same key', async () => {
  const { page, problems } = await openTeam('ada')
  await homes.cyd.ok('group join team')
  const keys: (string | undefined)[] = []
  await page.route(`${tracker.ready.url}/v1/groups/team/requests/accept`, async (route) => {
    keys.push(route.request().headers()['idempotency-key'])
    const answer = await route.fetch()
    await (keys.length === 1 ? route.abort('connectionreset') : route.fulfill({ response: answer }))
  })
  await page.getByRole('button', { name: 'Accept cyd' }).click()
  await page.getByRole('status').filter({ hasText: 'cyd is now a member.' }).waitFor()
  expect([keys.length, new Set(keys).size]).toEqual([2, 1])
  expect(await page.getByRole('alert').count()).toBe(0)
  expect(problems.splice(0)).toEqual([expect.stringContaining('ERR_CONNECTION_RESET')])
  await homes.ada.ok('group kick team cyd')
})

browserTest('the page says when the tracker is gone, and shows missed changes when it is back', async () => {
  const { page, problems } = await openTeam('ada')
  await tracker.end()
  await page.getByText(/^Not connected\. Showing data from \d\d:\d\d\. Trying again\.$/).waitFor()
  expect(await page.getByRole('heading', { name: 'team' }).isVisible()).toBe(true)
  tracker = await world.tracker('data', listen)
  await homes.cyd.ok('group join team')
  await page.getByRole('button', { name: 'Accept cyd' }).waitFor()
  expect(await page.getByText('Not connected').count()).toBe(0)
  // The event stream works again, since nothing polls for requests.
  await homes.ada.ok('group reject team cyd')
  await page.getByText('Nobody is waiting.').waitFor()
  // While the tracker restarts, a connection may be refused, reset or closed.
  expect(problems.splice(0).filter((each) => !/net::ERR_(CONNECTION|EMPTY|INCOMPLETE)_/.test(each))).toEqual(
    [],
  )
})

browserTest('a removed member is told about the removal, not about a lost connection', async () => {
  const { page, problems } = await openTeam('bob')
  await homes.ada.ok('group kick team bob')
  await page.getByText('You are not, or no longer, a member of team.').waitFor()
  expect(await page.getByText('Not connected').count()).toBe(0)
  expect(await page.getByRole('table').count()).toBe(0)
  for (const problem of problems.splice(0)) expect(problem).toContain('403 (Forbidden)')
})

browserTest('a revoked session leads to the sign-in page, with the reason', async () => {
  const { page, problems } = await openTeam('ada')
  const env = { SHOAL_NEW_PASSWORD: 'other horse battery' }
  await homes.ada.ok('user passwd', { env })
  await page.getByText('Your session has expired or was revoked. Sign in again.').waitFor()
  expect(await page.evaluate(() => sessionStorage.length)).toBe(0)
  for (const problem of problems.splice(0)) expect(problem).toContain('401 (Unauthorized)')
  await homes.ada.ok('user passwd', {
    env: { SHOAL_PASSWORD: 'other horse battery', SHOAL_NEW_PASSWORD: 'correct horse battery' },
  })
})

browserTest('signing out revokes the session', async () => {
  const { page } = await openTeam('ada')
  const { token } = JSON.parse(await page.evaluate(() => sessionStorage.getItem('shoal.session') as string))
  const ask = (): Promise<Response> =>
    fetch(`${tracker.ready.url}/v1/users/me`, { headers: { authorization: `Bearer ${token}` } })
  expect((await ask()).status).toBe(200)
  await page.getByRole('button', { name: 'Sign out' }).click()
  await page.getByText('You are signed out.').waitFor()
  expect(await page.evaluate(() => sessionStorage.length)).toBe(0)
  expect((await ask()).status).toBe(401)
})

browserTest('injected scripts and styles do not run, and the page refuses to be framed', async () => {
  const context = await browser.newContext()
  const page = await context.newPage()
  const said: string[] = []
  page.on('console', (message) => void said.push(message.text()))
  await page.route(url, async (route) => {
    const response = await route.fetch()
    const body = (await response.text()).replace(
      '</body>',
      '<script>window.ran = 1</script><img src="x" onerror="window.ran = 2"><b style="color: red">b</b></body>',
    )
    await route.fulfill({ response, body })
  })
  await page.goto(url)
  await page.getByLabel('User name').waitFor()
  expect(await page.evaluate(() => (globalThis as { ran?: number }).ran)).toBeUndefined()
  expect(await page.evaluate(`getComputedStyle(document.querySelector('b')).color`)).not.toBe(
    'rgb(255, 0, 0)',
  )
  expect(said.filter((text) => text.includes('Content Security Policy')).length).toBeGreaterThanOrEqual(3)
  const markup = await page.evaluate<string>(
    `try { document.body.innerHTML = '<p>x</p>'; 'written' } catch (error) { error.name }`,
  )
  expect(markup).toBe('TypeError')
  await page.goto('about:blank')
  await page.setContent(`<iframe src="${url}"></iframe>`)
  expect(await page.frames()[1]?.getByLabel('User name').count()).toBe(0)
  expect(said.filter((text) => text.includes('frame-ancestors')).length).toBe(1)
  await context.close()
})
