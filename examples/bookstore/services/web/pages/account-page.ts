import { html, type Html } from '../html.ts'
import { notice } from './layout.ts'

export interface AccountForm {
  readonly kind: 'login' | 'register'
  /** Where to go afterwards, a path of the shop. */
  readonly next: string
  readonly name?: string
  readonly problem?: string
}

/** Log in, or register. */
export function accountPage(form: AccountForm): Html {
  const login = form.kind === 'login'
  const other = login ? 'register' : 'login'
  return html`<section class="narrow"><h1>${login ? 'Welcome back' : 'Become a reader'}</h1>
${notice(form.problem)}
<form class="stack" method="post" action="/${form.kind}">
<input type="hidden" name="next" value="${form.next}">
<label>Name <input name="name" value="${form.name ?? ''}" autocomplete="username" required maxlength="31"></label>
<label>Password <input type="password" name="password" autocomplete="${login ? 'current-password' : 'new-password'}" required minlength="8"></label>
<button class="primary">${login ? 'Log in' : 'Register'}</button>
</form>
<p class="aside">${login ? 'New here?' : 'Here before?'} <a href="/${other}?next=${encodeURIComponent(form.next)}">${login ? 'Register' : 'Log in'}</a></p></section>`
}
