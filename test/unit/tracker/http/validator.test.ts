import Type from 'typebox'
import { validatorCompiler } from '../../../../tracker/http/validator.ts'

const schema = Type.Object({ limit: Type.Optional(Type.Integer({ minimum: 1 })), name: Type.String() })
const compile = (httpPart: string) => validatorCompiler({ schema, method: 'GET', url: '/', httpPart })
const checked = (httpPart: string, value: object) => (compile(httpPart)(value) as { value?: object }).value

test('text outside the body becomes the integer that the schema requires, and nothing else changes', () => {
  expect(checked('querystring', { limit: '7', name: '7' })).toEqual({ limit: 7, name: '7' })
  expect(checked('headers', { name: 'x', other: '1' })).toEqual({ name: 'x', other: '1' })
})

test.each(['', ' 7', '7.5', '0', '1e3', '0x10', 'seven', '99999999999999999'])(
  '%j is not converted to an integer',
  (limit) => {
    expect(checked('querystring', { limit, name: 'x' })).toBeUndefined()
  },
)

test('text in a body is not converted to an integer', () => {
  expect(checked('body', { limit: '7', name: 'x' })).toBeUndefined()
  expect(checked('body', { limit: 7, name: 'x' })).toEqual({ limit: 7, name: 'x' })
})
