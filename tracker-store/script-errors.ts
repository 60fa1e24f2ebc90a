import { type ErrorCode, isErrorCode, ShoalError } from '../protocol/errors.ts'

type Sentence = (detail: string, subject: string) => [message: string, hint?: string]

/** The message and hint for each code that a script returns; `detail` comes from the script. */
const SENTENCES: Partial<Record<ErrorCode, Sentence>> = {
  USER_TAKEN: (user) => [`the user name ${user} is taken`, 'choose another one, or log in if it is yours'],
  USER_NOT_FOUND: (_, user) => [`there is no user ${user}`, 'check the name; it is case-sensitive'],
  WRONG_PASSWORD: () => ['the old password is wrong'],
  GROUP_TAKEN: (group) => [
    `the group name ${group} is taken`,
    'choose another name, or ask to join that group',
  ],
  GROUP_NOT_FOUND: (_, group) => [
    `there is no group ${group}`,
    'list the groups and check the name; it is case-sensitive',
  ],
  ALREADY_MEMBER: (user, group) => [`${user} is already a member of ${group}`],
  ALREADY_REQUESTED: (user, group) => [
    `${user} has already asked to join ${group}`,
    'wait for an admin of the group to accept',
  ],
  NOT_A_MEMBER: (user, group) => [`${user} is not a member of ${group}`, 'ask to join the group'],
  NOT_AN_ADMIN: (what, group) => [
    `only an admin of ${group} may ${what}`,
    'ask an admin or the owner to do it',
  ],
  NOT_THE_OWNER: (what, group) => [`only the owner of ${group} may ${what}`, 'ask the owner to do it'],
  REQUEST_NOT_FOUND: (user, group) => [`${user} has not asked to join ${group}`, 'list the requests first'],
  MEMBER_NOT_FOUND: (user, group) => [`${user} is not a member of ${group}`, 'check the name'],
  ALREADY_ADMIN: (user, group) => [`${user} is already an admin of ${group}`],
  LAST_OWNER: (_, group) => [
    `the owner cannot leave ${group} while it has members but no admin`,
    'promote a member first',
  ],
  FILE_NOT_FOUND: (name, group) => [`there is no file ${name} in ${group}`, 'list the files of the group'],
  VERSION_NOT_FOUND: (what, group) => [
    `there is no ${what} in ${group}`,
    'list the versions that are kept, with their tags: shoal group files GROUP NAME --versions',
  ],
  NAME_CONFLICT: (names, group) => {
    const [name, other] = names.split('\n')
    return [
      `${name} cannot be published while ${group} has ${other}: a name is a file or a folder, never both`,
      'choose another name with --as, or remove the other one first',
    ]
  },
  TOO_MANY_TAGS: (name) => [`${name} has 1,000 tags, the maximum`, 'remove one first: shoal group untag'],
  HASHES_NEEDED: (name) => [
    `some chunk hashes of ${name} are missing`,
    'send the pages of hashes in order, then publish again',
  ],
}

/** Turns a script's code into its error. */
export function scriptError(code: string, detail: string, subject: string): Error {
  const sentence = isErrorCode(code) ? SENTENCES[code] : undefined
  if (!isErrorCode(code) || sentence === undefined) return new Error(`a script answered ${code}: ${detail}`)
  const [message, hint] = sentence(detail, subject)
  return new ShoalError(code, message, { hint })
}
