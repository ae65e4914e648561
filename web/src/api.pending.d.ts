// Routes of rooms that the program does not declare yet, in the shape their packages already have. A path here goes as soon as
// the generator writes it into api.gen.ts; the file goes with the last of them.
import type {} from './api.gen'

declare module './api.gen' {
    interface paths {
        "/api/identity/me": { parameters: Empty; get: Operations["identity-me"] };
        "/api/identity/signin": { parameters: Empty; post: Operations["identity-signin"] };
        "/api/identity/totp": { parameters: Empty; post: Operations["identity-totp"] };
        "/api/identity/enroll": { parameters: Empty; post: Operations["identity-enroll"] };
        "/api/identity/enroll/confirm": { parameters: Empty; post: Operations["identity-enroll-confirm"] };
        "/api/identity/recovery": { parameters: Empty; post: Operations["identity-recovery"] };
        "/api/identity/totp/remove": { parameters: Empty; post: Operations["identity-totp-remove"] };
        "/api/identity/password": { parameters: Empty; post: Operations["identity-password"] };
        "/api/identity/activate": { parameters: Empty; post: Operations["identity-activate"] };
        "/api/identity/signout": { parameters: Empty; post: Operations["identity-signout"] };
        "/api/identity/setup": { parameters: Empty; get: Operations["identity-setup-needed"]; post: Operations["identity-setup"] };
        "/api/identity/rules": { parameters: Empty; get: Operations["identity-rules"] };
        "/api/identity/post": { parameters: Empty; post: Operations["identity-post"] };
        "/api/identity/sessions": { parameters: Empty; get: Operations["identity-sessions"] };
        "/api/identity/sessions/{id}": { parameters: Empty; delete: Operations["identity-session-end"] };
        "/api/identity/tokens": { parameters: Empty; get: Operations["identity-tokens"]; post: Operations["identity-token-add"] };
        "/api/identity/tokens/{id}": { parameters: Empty; delete: Operations["identity-token-end"] };
        "/api/notify/count": { parameters: Empty; get: Get<{ count: number; must: number }> };
        "/api/org/search": { parameters: Empty; get: Operations["org-search"] };
    }
}

type Empty = { query?: never; header?: never; path?: never; cookie?: never };
type ById = { query?: never; header?: never; path: { id: string }; cookie?: never };
type Json<T> = { headers: { [name: string]: unknown }; content: { "application/json": T } };
type NoContent = { headers: { [name: string]: unknown }; content?: never };
type Trouble = { headers: { [name: string]: unknown }; content: { "application/problem+json": Pending["schemas"]["ErrorModel"] } };
type Get<T> = { parameters: Empty; requestBody?: never; responses: { 200: Json<T>; default: Trouble } };
type Post<B, T> = { parameters: Empty; requestBody: { content: { "application/json": B } }; responses: { 200: Json<T>; default: Trouble } };

interface Pending {
    schemas: {
        ErrorModel: {
            type?: string;
            title?: string;
            status?: number;
            detail?: string;
            trace?: string;
            errors?: { message?: string; location?: string; value?: unknown }[] | null;
        };
        SystemSite: {
            district: string;
            product: string;
            demo: boolean;
            helpPhone: string;
            footer: { organizer: string; identifier: string; icp: string; police: string };
            version: string;
        };
        IdentityUnit: { id: string; name: string };
        IdentityPost: { id: string; title: string; unit: Pending["schemas"]["IdentityUnit"] };
        IdentityMenuItem: { room: string; pillar: string; name: string; path: string; title: string; perm: string; rank: number };
        IdentityMe: {
            person: { id: string; name: string; account: string };
            post: Pending["schemas"]["IdentityPost"] | null;
            posts: Pending["schemas"]["IdentityPost"][];
            admin: string;
            perms: string[];
            menu: Pending["schemas"]["IdentityMenuItem"][];
            mustChangePassword: boolean;
            mustEnrollTotp: boolean;
            hasTotp: boolean;
            totpRequired: boolean;
            passwordDaysLeft: number;
            passwordWarn: boolean;
            demo: boolean;
            district: string;
            lang: string;
        };
        IdentityNext: { next: string };
        IdentityEnrollment: { secret: string; uri: string; qr: string };
        IdentityEnrolled: { recoveryCodes: string[]; next: string };
        IdentityRules: { minLength: number; classes: number; history: number; maxAgeDays: number; denyNames: boolean; idleMinutes: number };
        IdentitySession: { id: string; kind: string; device: string; ip: string; createdAt: string; seenAt: string; current: boolean };
        IdentityToken: { id: string; name: string; scopes: string[]; createdAt: string; expiresAt: string; usedAt: string | null; expired: boolean };
        IdentityTokenMade: { id: string; token: string };
        OrgFound: {
            people: { id: string; name: string; title: string; unit: string }[];
            units: { id: string; name: string; path: string }[];
        };
    };
}

type S = Pending["schemas"];

interface Operations {
    "system-site": Get<S["SystemSite"]>;
    "identity-me": Get<S["IdentityMe"]>;
    "identity-signin": Post<{ account: string; password: string }, S["IdentityNext"]>;
    "identity-totp": Post<{ code?: string; recovery?: string }, S["IdentityNext"]>;
    "identity-enroll": { parameters: Empty; requestBody?: { content: { "application/json": { code?: string; recovery?: string } } }; responses: { 200: Json<S["IdentityEnrollment"]>; default: Trouble } };
    "identity-enroll-confirm": Post<{ code: string }, S["IdentityEnrolled"]>;
    "identity-recovery": Post<{ code: string }, { recoveryCodes: string[] }>;
    "identity-totp-remove": { parameters: Empty; requestBody: { content: { "application/json": { code?: string; recovery?: string } } }; responses: { 204: NoContent; default: Trouble } };
    "identity-password": Post<{ old?: string; new: string }, S["IdentityNext"]>;
    "identity-activate": Post<{ account: string; code: string; password: string }, S["IdentityNext"]>;
    "identity-signout": { parameters: Empty; requestBody?: never; responses: { 204: NoContent; default: Trouble } };
    "identity-setup-needed": Get<{ needed: boolean }>;
    "identity-setup": {
        parameters: Empty;
        requestBody: { content: { "application/json": { token: string; admins: { kind: string; account: string; name: string; password: string }[] } } };
        responses: { 204: NoContent; default: Trouble };
    };
    "identity-rules": Get<S["IdentityRules"]>;
    "identity-post": { parameters: Empty; requestBody: { content: { "application/json": { postId: string } } }; responses: { 204: NoContent; default: Trouble } };
    "identity-sessions": Get<{ items: S["IdentitySession"][] }>;
    "identity-session-end": { parameters: ById; requestBody?: never; responses: { 204: NoContent; default: Trouble } };
    "identity-tokens": Get<{ items: S["IdentityToken"][]; titles: { name: string; title: string }[]; maxDays: number }>;
    "identity-token-add": Post<{ name: string; scopes: string[]; days: number }, S["IdentityTokenMade"]>;
    "identity-token-end": { parameters: ById; requestBody?: never; responses: { 204: NoContent; default: Trouble } };
    "org-search": {
        parameters: { query: { q: string }; header?: never; path?: never; cookie?: never };
        requestBody?: never;
        responses: { 200: Json<S["OrgFound"]>; default: Trouble };
    };
}
