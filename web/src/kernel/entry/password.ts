/** The password rules of this installation (MLPS level 3 defaults, GB/T 22239-2019 8.1.4.1). */
export interface PasswordRules {
  minLength: number // characters
  classes: number // how many of: lower case, upper case, digits, others
  history: number // the last n passwords may not come back
  maxAgeDays: number // 0: never expires
  denyNames: boolean // account, name, phone and unit may not stand in it
}

/** What the rules are until the server has told its own. */
export const usualRules: PasswordRules = { minLength: 8, classes: 3, history: 5, maxAgeDays: 90, denyNames: true }

/** One rule and whether a password keeps it. key names a text, args fill it. */
export interface RuleCheck {
  key: string
  args: (string | number)[]
  kept: boolean
}

/** How many kinds of character a password uses: lower case, upper case, digits, others. */
export function classesOf(password: string): number {
  return [/[a-z]/, /[A-Z]/, /[0-9]/, /[^a-zA-Z0-9]/].filter((kind) => kind.test(password)).length
}

/** The rules that can be seen from the password alone, each kept or not. Length counts characters, not UTF-16 units. */
export function checkPassword(password: string, account: string, rules: PasswordRules): RuleCheck[] {
  const name = account.trim().toLowerCase()
  const checks: RuleCheck[] = [
    { key: 'kernel.password.rule.length', args: [rules.minLength], kept: [...password].length >= rules.minLength },
    { key: 'kernel.password.rule.classes', args: [rules.classes], kept: classesOf(password) >= rules.classes },
  ]
  if (name && rules.denyNames) checks.push({ key: 'kernel.password.rule.account', args: [], kept: password !== '' && !password.toLowerCase().includes(name) })
  return checks
}

/** Whether a password keeps every rule that can be checked here. */
export function keepsRules(password: string, account: string, rules: PasswordRules): boolean {
  return checkPassword(password, account, rules).every((check) => check.kept)
}
