/** The days of a year as its notice changes them. */
export type Marks = { holidays: Record<string, string>; workdays: Record<string, string> }
export type Day = { date: string; day: number; weekend: boolean }

const two = (n: number): string => String(n).padStart(2, '0')

/** The days of a month with the empty places before its first: Monday begins a week. */
export function month(year: number, of: number): (Day | null)[] {
  const first = new Date(Date.UTC(year, of - 1, 1))
  const lead = (first.getUTCDay() + 6) % 7
  const count = new Date(Date.UTC(year, of, 0)).getUTCDate()
  const days = Array.from({ length: count }, (_, i) => ({ date: `${year}-${two(of)}-${two(i + 1)}`, day: i + 1, weekend: (lead + i) % 7 >= 5 }))
  return [...Array<null>(lead).fill(null), ...days]
}

/** What a day is after the next press: a weekday is off and on again; a weekend day becomes part of a holiday, then one that is worked, then as it was. */
export function press(marks: Marks, day: Day, name: string): Marks {
  const holidays = { ...marks.holidays }
  const workdays = { ...marks.workdays }
  if (holidays[day.date]) {
    delete holidays[day.date]
    if (day.weekend) workdays[day.date] = name
  } else if (workdays[day.date]) delete workdays[day.date]
  else holidays[day.date] = name
  return { holidays, workdays }
}

/** Whether two say the same. */
export function alike(a: Marks, b: Marks): boolean {
  const flat = (marks: Marks) => JSON.stringify([marks.holidays, marks.workdays].map((of) => Object.entries(of).sort()))
  return flat(a) === flat(b)
}
