import { expect, test } from 'vitest'
import { alike, month, press, type Day } from './days'

test('a month begins on its weekday, and knows its weekends', () => {
  const january = month(2027, 1) // the first is a Friday
  expect(january.slice(0, 5)).toEqual([null, null, null, null, { date: '2027-01-01', day: 1, weekend: false }])
  expect(january.filter((day) => day?.weekend).map((day) => day!.day)).toEqual([2, 3, 9, 10, 16, 17, 23, 24, 30, 31])
  expect(month(2028, 2).filter(Boolean)).toHaveLength(29)
})

test('a press goes round: a weekday off and on, a weekend day off, worked, as it was', () => {
  const none = { holidays: {}, workdays: {} }
  const [friday, saturday] = month(2027, 1).slice(4, 6) as Day[]
  const off = press(none, friday!, '元旦')
  expect(off).toEqual({ holidays: { '2027-01-01': '元旦' }, workdays: {} })
  expect(press(off, friday!, '元旦')).toEqual(none)
  const holiday = press(none, saturday!, '元旦')
  const worked = press(holiday, saturday!, '元旦')
  expect(worked).toEqual({ holidays: {}, workdays: { '2027-01-02': '元旦' } })
  expect(alike(press(worked, saturday!, '元旦'), none)).toBe(true)
  expect(alike(off, none)).toBe(false)
})
