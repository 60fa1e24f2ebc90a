import Type from 'typebox'
import { validatorCompiler } from '../../../../tracker/http/validator.ts'

const schema = Type.Object({ limit: Type.Optional(Type.Integer({ minimum: 1 })), name: Type.String() })
const compile = (httpPart: string) => validatorCompiler({ schema, method: 'GET', url: '/', httpPart })
const checked = (httpPart: string, value: object) => (compile(httpPart)(value) as { value?: object }).value

test('what arrives as text is made the integer that the schema asks for, and nothing else is changed', () => {
  expect(checked('querystring', { limit: '7', name: '7' })).toEqual({ limit: 7, name: '7' })
  expect(checked('headers', { name: 'x', other: '1' })).toEqual({ name: 'x', other: '1' })
})

test.each(['', ' 7', '7.5', '0', '1e3', '0x10', 'seven', '99999999999999999'])(
  '%j is no such integer',
  (limit) => {
    expect(checked('querystring', { limit, name: 'x' })).toBeUndefined()
  },
)

test('text is no integer in a body', () => {
  expect(checked('body', { limit: '7', name: 'x' })).toBeUndefined()
  expect(checked('body', { limit: 7, name: 'x' })).toEqual({ limit: 7, name: 'x' })
})
