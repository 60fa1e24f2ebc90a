import type { FastifySchemaCompiler } from 'fastify'
import type { TSchema } from 'typebox'
import { Compile } from 'typebox/compile'

const INTEGER = /^-?\d{1,16}$/

/**
 * Compiles the check of one part of a request. Everything outside the body arrives as text, so integers are first
 * converted in place.
 */
export const validatorCompiler: FastifySchemaCompiler<TSchema> = ({ schema, httpPart }) => {
  const check = Compile(schema)
  const integers = httpPart === 'body' ? [] : integersOf(schema)
  return (value: unknown) => {
    const values = value as Record<string, unknown>
    for (const name of integers) {
      const text = values[name]
      if (typeof text === 'string' && INTEGER.test(text)) values[name] = Number(text)
    }
    return check.Check(value) ? { value } : { error: check.Errors(value) as never }
  }
}

function integersOf(schema: TSchema): string[] {
  const { properties = {} } = schema as { properties?: Record<string, { type?: string }> }
  return Object.keys(properties).filter((name) => properties[name]?.type === 'integer')
}
