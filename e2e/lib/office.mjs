// A few units of a district with people at work in them, made through the API in a few seconds.
import { employ, enter, setUp } from './api.mjs'
import { totp } from './totp.mjs'

/** Opens units and employs people. units: { key: { name, kind, code?, above? (key) } } in order from the top; people: { key: { name, unit,
 *  title, account, password, second? (binds a second factor), perms: [[perm, scope], …], roles: [key of a role there is, …] } }. Gives { system, security, units: { key: id },
 *  people: { key: { …, id, secret? } } } with the clients of the two administrators; people sign in with account and password. */
export async function openOffice(server, { units, people }) {
  const admins = await setUp(server)
  const [system, security] = await Promise.all([enter(server.url, admins.system), enter(server.url, admins.security)])
  const ids = {}
  for (const [key, unit] of Object.entries(units)) {
    ids[key] = (await system.post('/api/org/units', { name: unit.name, kind: unit.kind, code: unit.code ?? '', parent: ids[unit.above] ?? '' })).id
  }
  const done = {}
  for (const [key, person] of Object.entries(people)) done[key] = await hire(server.url, system, security, ids, person)
  return { system, security, units: ids, people: done }
}

async function hire(base, system, security, units, person) {
  const { id } = await system.post('/api/org/people', { name: person.name, unit: units[person.unit], title: person.title })
  const made = { ...person, id }
  if (person.perms?.length) {
    const perms = person.perms.map(([perm, scope]) => ({ perm, scope }))
    const role = await security.post('/api/authz/roles', { name: `${person.title}-${person.name}`, perms })
    const { posts } = await system.get(`/api/org/people/${id}`)
    await security.call('PUT', `/api/authz/posts/${posts[0].id}/roles/${role.id}`, {})
  }
  for (const key of person.roles ?? []) {
    const { posts } = await system.get(`/api/org/people/${id}`)
    await security.call('PUT', `/api/authz/posts/${posts[0].id}/roles/${(await roleOf(security, key)).id}`, {})
  }
  const own = await employ(base, system, made)
  if (person.second) await bind(own, made)
  return { ...made, client: own }
}

/** A role by its key; those of applications are there when the program has published them, a moment after it began. */
async function roleOf(security, key) {
  for (;;) {
    const found = (await security.get('/api/authz/roles')).items.find((role) => role.key === key)
    if (found) return found
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/** Binds with the code of half a minute ago, which is still good: the present one stays for the person to type. */
async function bind(client, person) {
  person.secret = (await client.post('/api/identity/enroll')).secret
  await client.post('/api/identity/enroll/confirm', { code: totp(person.secret, Date.now() - 30_000) })
}
