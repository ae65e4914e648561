import { describe, expect, it } from 'vitest'
import { checkPassword, classesOf, keepsRules, usualRules } from './password'

describe('classesOf', () => {
  it.each([
    ['', 0], ['abc', 1], ['abcABC', 2], ['abc123', 2], ['Abc123', 3], ['Abc123!', 4], ['汉字abc', 2],
  ])('%s uses %d', (password, n) => expect(classesOf(password)).toBe(n))
})

describe('keepsRules', () => {
  it.each([
    ['Abc12345', 'zhang', true],
    ['Abc1234', 'zhang', false], // seven characters
    ['abcd1234', 'zhang', false], // two kinds
    ['Zhang123', 'zhang', false], // holds the account
    ['Abc1234😀', 'zhang', true], // a character beyond the BMP counts once
    ['', 'zhang', false],
  ])('%s for %s: %s', (password, account, kept) => expect(keepsRules(password, account, usualRules)).toBe(kept))
})

it('does not ask about the account while it is not known', () => {
  expect(checkPassword('x', ' ', usualRules).map((check) => check.key)).toEqual(['kernel.password.rule.length', 'kernel.password.rule.classes'])
})
