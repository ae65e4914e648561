import { createPinia } from 'pinia'
import { createApp, h } from 'vue'
import { createRouter, createWebHistory, RouterView } from 'vue-router'
import '@/base/tokens.css'
import '@/base/base.css'
import { i18n, loadTexts } from '@/base/i18n'
import { startLook } from '@/kernel/look'
import Gallery from './Gallery.vue'

startLook()
await loadTexts('base', { zh: () => import('@/base/text/zh.json'), en: () => import('@/base/text/en.json') })
const router = createRouter({ history: createWebHistory(), routes: [{ path: '/:rest(.*)*', component: Gallery }] })
createApp({ render: () => h(RouterView) }).use(createPinia()).use(i18n).use(router).mount('#app')
