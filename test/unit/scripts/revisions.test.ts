import { chooseRevision } from '../../../scripts/binary/revisions.ts'

/** What is chosen of u3 and u2, and which were passed over. */
function choose(kept: string[], mirror: string[]): unknown {
  const passed: string[] = []
  const fetch = (revision: string): string | null => (mirror.includes(revision) ? `${revision}.tar` : null)
  const isKept = (revision: string): boolean => kept.includes(revision)
  return { ...chooseRevision(['u3', 'u2'], isKept, fetch, (revision) => passed.push(revision)), passed }
}

test('the newest pinned revision is fetched, also where an older one is kept from an earlier build', () => {
  expect(choose([], ['u3', 'u2'])).toEqual({ revision: 'u3', packaging: 'u3.tar', passed: [] })
  expect(choose(['u2'], ['u3'])).toEqual({ revision: 'u3', packaging: 'u3.tar', passed: [] })
})

test('a kept build of the newest one needs no mirror', () => {
  expect(choose(['u3', 'u2'], [])).toEqual({ revision: 'u3', packaging: null, passed: [] })
})

test('an older one takes its place only where the newest cannot be had, and that is told', () => {
  expect(choose(['u2'], [])).toEqual({ revision: 'u2', packaging: null, passed: ['u3'] })
  expect(choose([], ['u2'])).toEqual({ revision: 'u2', packaging: 'u2.tar', passed: ['u3'] })
  expect(choose([], [])).toEqual({ passed: ['u3', 'u2'] })
})
