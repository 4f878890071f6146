// Registering, logging in and out.
import { HttpError, type Reply, type Route } from '../../platform/http-service.ts'
import { accountPage, type AccountForm } from '../pages/account-page.ts'
import type { Sessions } from '../session.ts'
import { ask, upstreamUrl } from '../shop-api.ts'
import { cookie, type Visitor } from '../visitor.ts'
import { formFields, pageReply, safePath, seeOther } from './page-reply.ts'
import type { WebCall, WebRoute } from './web-route.ts'

/** Routes of the account. */
export function accountRoutes(route: WebRoute, sessions: Sessions): readonly Route[] {
  const show = (visitor: Visitor, form: AccountForm, status = 200): Reply =>
    pageReply({ title: form.kind === 'login' ? 'Log in' : 'Register', visitor, body: accountPage(form), status })
  const open = async (kind: AccountForm['kind'], { call, visitor }: WebCall): Promise<Reply> =>
    show(visitor, { kind, next: safePath(call.url.searchParams.get('next')) })
  const submit = async (kind: AccountForm['kind'], { call, visitor }: WebCall): Promise<Reply> => {
    const form = await formFields(call)
    const next = safePath(form.get('next'))
    const account = { name: form.get('name') ?? '', password: form.get('password') ?? '' }
    try {
      const url = upstreamUrl('customers', kind === 'login' ? 'sessions' : 'customers')
      const { json } = await ask(url, { method: 'POST', json: account, headers: visitor.passOn })
      return seeOther(next, [cookie('session', sessions.issue((json as { name: string }).name))])
    } catch (error) {
      if (!(error instanceof HttpError) || ![401, 409, 422].includes(error.status)) throw error
      return show(visitor, { kind, next, name: account.name, problem: error.message }, error.status)
    }
  }
  return [
    route('GET', '/login', (call) => open('login', call)),
    route('POST', '/login', (call) => submit('login', call)),
    route('GET', '/register', (call) => open('register', call)),
    route('POST', '/register', (call) => submit('register', call)),
    route('POST', '/logout', async () => seeOther('/', [cookie('session', '')])),
  ]
}
