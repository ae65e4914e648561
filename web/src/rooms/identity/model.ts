import type { components } from '@/api.gen'
import { text } from '@/base/i18n'

type Schemas = components['schemas']
/** One account of the list. */
export type Account = Schemas['IdentityAccountRow']
/** One session of the security administrator's list. */
export type Online = Schemas['IdentityOnlineRow']
/** One row of the self-check. */
export type Check = Schemas['IdentityCheck']
/** A code to be handed over in person, shown once. */
export type Code = Schemas['IdentityActivationCode']

/** The states of an account, in the order they are offered. */
export const states = ['new', 'active', 'locked', 'disabled', 'waiting'] as const
/** What the list is narrowed to: a state, or that a new code waits for its second person. */
export const narrowed = [...states, 'asked'] as const
/** What an account stands for. */
export const accountKinds = ['person', 'admin', 'service'] as const
/** The three administrators. */
export const admins = ['system', 'security', 'audit'] as const
/** One of the three. */
export type Admin = (typeof admins)[number]

/** Colour and shape of a state; the word is identity.state.<state>. */
export function stateLook(state: Account['state']): { tone: 'success' | 'warning' | 'danger' | 'info' | 'brand'; shape: 'check' | 'triangle' | 'octagon' | 'dash' | 'ring' } {
  const looks = {
    new: { tone: 'brand', shape: 'ring' },
    active: { tone: 'success', shape: 'check' },
    locked: { tone: 'danger', shape: 'octagon' },
    disabled: { tone: 'info', shape: 'dash' },
    waiting: { tone: 'warning', shape: 'triangle' },
  } as const
  return looks[state]
}

/** Where an account belongs: its unit, the duty of an administrator, or that it is a program's. */
export function placeOf(account: Account): string {
  if (account.admin) return text(`identity.admin.${account.admin}`)
  if (account.service) return [text('identity.kind.service'), account.unitName].filter(Boolean).join(text('identity.dot'))
  return account.unitName || text('identity.homeless')
}

/** What a person may do to accounts; own: the account is his. */
export interface Rights {
  manage: boolean // the system administrator
  unit: boolean // a unit's administrator, and the system administrator
  security: boolean // the security administrator
  own: boolean
}

/** The deeds that an account's state and the reader's rights allow, the one that is most likely wanted first. The server decides again. */
export function deedsOf(account: Account, rights: Rights): Deed[] {
  if (rights.own) return []
  const { state } = account
  const asked = account.askedBy !== ''
  const all: [Deed, boolean][] = [
    ['approve', rights.security && state === 'waiting'],
    ['unlock', rights.security && state === 'locked'],
    ['enable', rights.manage && state === 'disabled'],
    ['confirm', asked && !account.askedByMe && rights.security],
    ['refuse', asked && (rights.security || rights.unit)],
    ['issue', !asked && (account.admin ? rights.manage && account.hasTotp : rights.unit) && !account.service && state !== 'disabled' && state !== 'waiting'],
    ['resetFactor', rights.security && account.hasTotp],
    ['disable', rights.manage && state !== 'disabled'],
  ]
  return all.filter(([, allowed]) => allowed).map(([deed]) => deed)
}

/** What may be done to an account. */
export type Deed = 'approve' | 'unlock' | 'enable' | 'issue' | 'confirm' | 'refuse' | 'resetFactor' | 'disable'
/** Those that are done with a reason. */
export type Reasoned = 'disable' | 'resetFactor' | 'issue' | 'refuse'

/** A login made of a name's pinyin: letters and digits only. */
export const loginOf = (pinyin: string): string => pinyin.toLowerCase().replace(/[^a-z0-9]/g, '').slice(0, 30)

/** Where a login already stands, another is wanted: zhangwei becomes zhangwei2, then zhangwei3. */
export function nextLogin(login: string): string {
  const [, stem, digits] = /^(.*?)(\d*)$/.exec(login)!
  return `${stem}${digits ? Number(digits) + 1 : 2}`
}

/** How many rows of the self-check came out each way. */
export function tally(checks: Check[]): Record<Check['result'], number> {
  const counts = { ok: 0, part: 0, no: 0 }
  for (const check of checks) counts[check.result]++
  return counts
}

/** The worst rows first; rows of one result stay in the order of the clauses. */
export function worstFirst(checks: Check[]): Check[] {
  const order = { no: 0, part: 1, ok: 2 }
  return [...checks].sort((a, b) => order[a.result] - order[b.result])
}
