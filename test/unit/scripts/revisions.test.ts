import { chooseRevision } from '../../../scripts/binary/revisions.ts'

/** The revision chosen from u3 and u2, and the ones passed over. */
function choose(kept: string[], mirror: string[]): unknown {
  const passed: string[] = []
  const fetch = (revision: string): string | null => (mirror.includes(revision) ? `${revision}.tar` : null)
  const isKept = (revision: string): boolean => kept.includes(revision)
  return { ...chooseRevision(['u3', 'u2'], isKept, fetch, (revision) => passed.push(revision)), passed }
}

test('the newest pinned revision is downloaded even if an older one is cached', () => {
  expect(choose([], ['u3', 'u2'])).toEqual({ revision: 'u3', packaging: 'u3.tar', passed: [] })
  expect(choose(['u2'], ['u3'])).toEqual({ revision: 'u3', packaging: 'u3.tar', passed: [] })
})

test('a cached build of the newest revision needs no mirror', () => {
  expect(choose(['u3', 'u2'], [])).toEqual({ revision: 'u3', packaging: null, passed: [] })
})

test('an older revision is used only if the newest is unavailable, and that is reported', () => {
  expect(choose(['u2'], [])).toEqual({ revision: 'u2', packaging: null, passed: ['u3'] })
  expect(choose([], ['u2'])).toEqual({ revision: 'u2', packaging: 'u2.tar', passed: ['u3'] })
  expect(choose([], [])).toEqual({ passed: ['u3', 'u2'] })
})
