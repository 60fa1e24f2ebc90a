import { backOff } from '../../../plugins/dashboard/assets/back-off.js'
import {
  bytes,
  counted,
  duration,
  percent,
  rate,
  sentence,
} from '../../../plugins/dashboard/assets/format.js'
import { Link } from '../../../plugins/dashboard/assets/link.js'
import { addressOf, parseRoute } from '../../../plugins/dashboard/assets/route.js'
import { eventReader } from '../../../plugins/dashboard/assets/sse.js'
import {
  copiesOf,
  copiesText,
  rangeText,
  runsOf,
  sharesOf,
  sharesText,
} from '../../../plugins/dashboard/assets/swarm-picture.js'

test('figures are formatted for people', () => {
  expect([0, 1023, 1024, 1_048_524, 1_048_576, 2 ** 50].map(bytes)).toEqual([
    '0 B',
    '1023 B',
    '1.0 KiB',
    '1023.9 KiB',
    '1.0 MiB',
    '1.0 PiB',
  ])
  expect([0, 2048].map(rate)).toEqual(['–', '2.0 KiB/s'])
  expect([counted(1, 'copy', 'copies'), counted(2500, 'file')]).toEqual(['1 copy', '2,500 files'])
  expect([59.9, 3599, 7260, 90_000].map(duration)).toEqual(['59 s', '59 min', '2 h 1 min', '1 d 1 h'])
  expect(sentence('you are not a member of team')).toBe('You are not a member of team.')
})

test('only a complete share is 100 %, and only zero is 0 %', () => {
  expect([0, 0.0001, 0.5, 0.9999, 1].map(percent)).toEqual(['0 %', '< 1 %', '50 %', '99 %', '100 %'])
})

test.each(['a', 'docs/päper (1)#?.pdf', '100%'])('the address of file %s parses back to it', (name) => {
  expect(parseRoute(addressOf('team', name))).toEqual({ view: 'file', group: 'team', name })
})

test('an unknown address shows the list of groups', () => {
  for (const hash of ['', '#', '#/', '#/nowhere', '#/groups/', '#/groups/%zz'])
    expect(parseRoute(hash)).toEqual({ view: 'groups' })
  expect(parseRoute('#/groups/team/members/x')).toEqual({ view: 'group', group: 'team' })
  expect(parseRoute('#/trackers')).toEqual({ view: 'trackers' })
})

test('events survive a stream split at any position', () => {
  const stream =
    ': hello\n\nid: 1\ndata: {"a":1}\n\n: still here\n\nid: 2\r\ndata: x\r\ndata:y\r\n\r\ndata: rest'
  for (let cut = 0; cut <= stream.length; cut++) {
    const read = eventReader()
    expect([...read(stream.slice(0, cut)), ...read(stream.slice(cut))]).toEqual(['{"a":1}', 'x\ny'])
  }
})

test('the back-off is random, doubles, and never exceeds ten seconds', () => {
  expect([1, 2, 3, 10].map((failures) => backOff(failures, 0))).toEqual([250, 500, 1000, 5000])
  expect([1, 2, 3, 10].map((failures) => backOff(failures, 1))).toEqual([500, 1000, 2000, 10_000])
})

test('the link reports only visible changes, and the age of the newest answer', () => {
  const link = new Link()
  let told = 0
  link.listener = () => void told++
  link.heard(0)
  expect(told).toBe(0)
  link.lost()
  link.lost()
  expect([told, link.isLost]).toEqual([1, true])
  link.heard(0)
  expect([told, link.isLost]).toEqual([2, false])
  const before = Date.now()
  link.heard(60)
  expect([told, link.isStale]).toEqual([3, true])
  expect(before - link.asOf).toBeLessThanOrEqual(60_000)
  expect(before - link.asOf).toBeGreaterThan(59_000)
})

test("a swarm's picture has a description in words", () => {
  const of = (...shares: number[]): number[] => sharesOf(Buffer.from(shares).toString('base64'))
  expect(of(0, 128, 255)).toEqual([0, 128, 255])
  expect(sharesText(of(255, 255))).toBe('holds the whole file')
  expect(sharesText(of(0, 0))).toBe('holds nothing yet')
  expect(sharesText(of(255, 1, 0, 254))).toBe('holds 1 of 4 parts, and some of 2 more')
  expect(sharesText(of())).toBe('has not reported its parts')
  expect(copiesOf([of(255, 0, 255), of(255, 255, 51)])).toEqual([2, 1, 1.2])
  expect(copiesOf([])).toEqual([])
  expect(copiesText([2, 1, 1.2])).toBe('Every part is available at least once.')
  expect(copiesText([3, 2.9])).toBe('Every part is available at least twice.')
  expect(copiesText([5, 4])).toBe('Every part is available at least 4 times.')
  expect(copiesText([1, 0.9, 0])).toBe('2 of 3 parts are incomplete among these peers.')
  expect(copiesText([0.5])).toBe('No part is complete among these peers.')
  expect(rangeText([1, 2.25, 0])).toBe('Copies of each part: 0 to 2.3')
  expect(copiesText([])).toBe('No peer has reported its parts.')
})

test('equal neighbours are merged into one run', () => {
  expect(runsOf([1, 1, 0, 1])).toEqual([
    { start: 0, length: 2, value: 1 },
    { start: 2, length: 1, value: 0 },
    { start: 3, length: 1, value: 1 },
  ])
  expect(runsOf([])).toEqual([])
})
