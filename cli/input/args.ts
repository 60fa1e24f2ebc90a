import { Args, Flags } from '@oclif/core'
import { checkGroupName, checkUserName, parseTarget, type Target } from '../../protocol/names.ts'
import { checkTag } from '../../protocol/selector.ts'

/**
 * Arguments of several commands. Each sets `ignoreStdin`, because oclif would read a missing one from standard input,
 * which carries passwords and files.
 */
export const groupArg = () =>
  Args.string({
    required: true,
    ignoreStdin: true,
    description: 'name of the group',
    parse: async (text) => checkGroupName(text),
  })

export const userArg = () =>
  Args.string({
    required: true,
    ignoreStdin: true,
    description: 'name of the user',
    parse: async (text) => checkUserName(text),
  })

export const usersArg = () =>
  Args.string({
    required: true,
    multiple: true,
    ignoreStdin: true,
    description: 'names of the users',
    parse: async (text) => checkUserName(text),
  })

const target = Args.custom<Target>({ parse: async (text) => parseTarget(text) })

export const targetArg = (description = 'a file or folder of a group, GROUP:NAME') =>
  target({ required: true, ignoreStdin: true, description })

export const tagArg = () =>
  Args.string({
    required: true,
    ignoreStdin: true,
    description: 'name of the tag, for example stable',
    parse: async (text) => checkTag(text),
  })

export const optionalTargetArg = (description: string) => target({ ignoreStdin: true, description })

export const fileArg = (description: string) =>
  Args.string({ required: true, ignoreStdin: true, description })

export const groupFlag = () =>
  Flags.string({
    required: true,
    helpValue: 'GROUP',
    description: 'group to share with',
    parse: async (text) => checkGroupName(text),
  })
