import fc from 'fast-check'
import { CONTENTS } from './checks.ts'
import type { GroupState, Op } from './group-model.ts'

export const USERS = ['ann', 'bob', 'cid', 'dora', 'eve']
const NAMES = ['a.bin', 'dir/b.bin', '__proto__']

/** A change before its participants are known: the numbers choose among the eligible users when it is made. */
export interface Intent {
  type: Op['type']
  by: number
  targets: number[]
  name: string
  content: string
  /** Chooses among all users, so that the change is usually refused. */
  wild: boolean
}

const type = fc.oneof(
  ...Object.entries({
    create: 1,
    request: 6,
    accept: 6,
    reject: 1,
    kick: 2,
    leave: 2,
    promote: 3,
    publish: 6,
    remove: 2,
  } satisfies Record<Op['type'], number>).map(([name, weight]) => ({
    weight,
    arbitrary: fc.constant(name as Op['type']),
  })),
)

export const intent: fc.Arbitrary<Intent> = fc.record({
  type,
  by: fc.nat({ max: 59 }),
  targets: fc.array(fc.nat({ max: 59 }), { minLength: 1, maxLength: 3 }),
  name: fc.constantFrom(...NAMES),
  content: fc.constantFrom(...CONTENTS),
  wild: fc.integer({ min: 0, max: 3 }).map((chance) => chance === 0),
})

/** The change that an intent becomes in a group with this state. */
export function opOf({ type, by: chosen, targets, name, content, wild }: Intent, state: GroupState): Op {
  const likely = state === null && !wild ? 'create' : type
  const by = choose(wild ? USERS : makersOf(likely, state), chosen)
  switch (likely) {
    case 'accept':
    case 'reject':
    case 'kick': {
      const among = wild ? USERS : targetsOf(likely, state)
      return { type: likely, by, users: [...new Set(targets.map((target) => choose(among, target)))] }
    }
    case 'promote':
      return { type: likely, by, user: choose(wild ? USERS : targetsOf(likely, state), targets[0]!) }
    case 'publish':
      return { type: likely, by, name, content }
    case 'remove':
      return { type: likely, by, name }
    case 'create':
      return { type: likely, by }
    default:
      return { type: likely, by }
  }
}

function makersOf(type: Op['type'], state: GroupState): string[] {
  const members = [...(state?.members ?? [])]
  if (type === 'create') return USERS
  if (type === 'request') return USERS.filter((user) => !state?.members.has(user))
  if (['publish', 'remove', 'leave'].includes(type)) return members.map(([user]) => user)
  const roles = type === 'promote' ? ['owner'] : ['owner', 'admin']
  return members.filter(([, { role }]) => roles.includes(role)).map(([user]) => user)
}

function targetsOf(type: Op['type'], state: GroupState): string[] {
  if (type === 'accept' || type === 'reject') return [...(state?.requests ?? [])]
  const roles = type === 'promote' ? ['member'] : ['member', 'admin']
  return [...(state?.members ?? [])].filter(([, { role }]) => roles.includes(role)).map(([user]) => user)
}

const choose = (users: string[], number: number): string =>
  (users.length > 0 ? users : USERS)[number % (users.length || USERS.length)]!
