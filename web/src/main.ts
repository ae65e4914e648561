import { createPinia } from 'pinia'
import { createApp } from 'vue'
import App from './App.vue'
import './base/tokens.css'
import './base/base.css'
import { i18n, loadTexts, preferredLanguage, setLanguage, text } from './base/i18n'
import { toast } from './base/toast'
import { startConnection } from './kernel/connection'
import { startLook } from './kernel/look'
import { makeRouter } from './kernel/router'
import { watchSession } from './kernel/watch-session'
import { installedRooms } from './rooms'

/** Starts the program: look and language first, so that nothing is drawn twice. */
async function start(): Promise<void> {
  startLook()
  await setLanguage(preferredLanguage(), false)
  await Promise.all([
    loadTexts('base', { zh: () => import('./base/text/zh.json'), en: () => import('./base/text/en.json') }),
    loadTexts('kernel', { zh: () => import('./kernel/text/zh.json'), en: () => import('./kernel/text/en.json') }),
  ])
  const app = createApp(App)
  const router = makeRouter(installedRooms())
  app.config.errorHandler = (thrown) => {
    toast(text('base.error.page'), { tone: 'danger' })
    reportError(thrown)
  }
  app.use(createPinia())
  app.use(i18n)
  app.use(router)
  startConnection()
  watchSession(router)
  app.mount('#app')
  const secure = location.protocol === 'https:' || location.hostname === 'localhost'
  if (import.meta.env.PROD && secure && 'serviceWorker' in navigator) void navigator.serviceWorker.register('/sw.js')
}

void start()
