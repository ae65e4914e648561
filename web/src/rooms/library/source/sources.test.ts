import { expect, it } from 'vitest'
import { cleanSpec, fieldsOf, isDatabase, kinds, usualPort } from './sources'

it('asks of each kind what it needs', () => {
  expect(fieldsOf('oracle')).toEqual(['host', 'database', 'user'])
  expect(fieldsOf('sftp')).toContain('hostKey')
  expect(fieldsOf('http')).toEqual([])
  for (const kind of kinds) expect(isDatabase(kind)).toBe(usualPort(kind) > 1000)
})

it('sends nothing that belongs to another kind', () => {
  expect(cleanSpec({ kind: 'folder', path: ' in ', host: 'x', port: 5, tls: 'on' })).toEqual({ kind: 'folder', path: 'in' })
  expect(cleanSpec({ kind: 'mysql', host: 'h', database: 'd', user: 'u', path: 'p' })).toEqual({ kind: 'mysql', host: 'h', database: 'd', user: 'u', port: 0, tls: '' })
})
