import { RuleTester } from 'eslint'
import { describe, it } from 'vitest'
import floors from './floors.js'

RuleTester.describe = describe
RuleTester.it = it

const src = '/src'
const at = (filename: string, code: string) => ({ code, filename: `${src}/${filename}`, options: [{ src }] })
const bad = (messageId: string, filename: string, code: string) => ({ ...at(filename, code), errors: [{ messageId }] })

new RuleTester({ languageOptions: { ecmaVersion: 2022, sourceType: 'module' } }).run('floors', floors as never, {
  valid: [
    at('rooms/visit/List.ts', "import { useList } from '@/base/list'"),
    at('rooms/visit/List.ts', "import { useSession } from '@/kernel/session'"),
    at('rooms/visit/List.ts', "import { visit } from './visit'"),
    at('rooms/visit/parts/Card.ts', "import { visit } from '../visit'"),
    at('kernel/router.ts', "import { send } from '@/base/api'"),
    at('main.ts', "import desk from './rooms/desk/index'"),
    at('rooms/visit/index.ts', "import { defineRoom } from '@/base/room'"),
    at('rooms/visit/index.ts', "const page = () => import('./List.vue')"),
  ],
  invalid: [
    bad('room', 'rooms/visit/List.ts', "import { x } from '@/rooms/event/x'"),
    bad('room', 'rooms/visit/List.ts', "import { x } from '../event/x'"),
    bad('room', 'rooms/visit/List.ts', "const x = () => import('../event/X.vue')"),
    bad('room', 'rooms/visit/List.ts', "export { x } from '../event/x'"),
    bad('kernel', 'kernel/router.ts', "import desk from '../rooms/desk/index'"),
    bad('base', 'base/api.ts', "import { useSession } from '@/kernel/session'"),
    bad('base', 'base/api.ts', "import desk from '../rooms/desk/index'"),
    bad('kit', 'rooms/visit/index.ts', "import { Map } from 'maplibre-gl'"),
    bad('kit', 'rooms/visit/index.ts', "import List from './List.vue'"),
  ],
})
