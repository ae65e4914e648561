import { readonly, ref } from 'vue'

/** The themes a person can choose; walls use theme=wall in their own address. */
export type Theme = 'light' | 'care'

const themeKey = 'qushu.theme'
const scaleKey = 'qushu.scale'
const scales = [1, 1.11, 1.22, 1.44, 1.67] // 18, 20, 22, 26, 30 px: MIIT 2021 asks for text adjustable up to 30

const theme = ref<Theme>('light')
const scale = ref(0) // index into scales
const phone = ref(false)

/** The look in use. */
export const look = { theme: readonly(theme), scale: readonly(scale), phone: readonly(phone), scales: scales.length }

function apply(): void {
  const root = document.documentElement
  if (theme.value === 'care') root.dataset.theme = 'care'
  else delete root.dataset.theme
  root.style.setProperty('--care-scale', String(scales[scale.value] ?? 1))
}

/** Chooses 标准版 or 长辈版 and remembers it in this browser. */
export function setTheme(next: Theme): void {
  theme.value = next
  localStorage.setItem(themeKey, next)
  apply()
}

/** Makes the care theme's text one step larger or smaller. */
export function stepScale(by: 1 | -1): void {
  scale.value = Math.min(scales.length - 1, Math.max(0, scale.value + by))
  localStorage.setItem(scaleKey, String(scale.value))
  apply()
}

/** Restores the remembered look and follows the width of the window. Called once at the start. */
export function startLook(): void {
  theme.value = localStorage.getItem(themeKey) === 'care' ? 'care' : 'light'
  scale.value = Math.min(scales.length - 1, Math.max(0, Number(localStorage.getItem(scaleKey)) || 0))
  const narrow = window.matchMedia('(max-width: 767px)')
  phone.value = narrow.matches
  narrow.addEventListener('change', (e) => (phone.value = e.matches))
  apply()
}
