// Sign-in. The same answer for every failure; the server says how long to wait.
import { h, fill, t, icon } from '../ui.js';
import { call } from '../data.js';
import { signedIn } from '../main.js';

export function show(place, url) {
	const note = h('div', { role: 'alert' });
	const form = h('form', { class: 'card narrow', onsubmit: async (ev) => {
		ev.preventDefault();
		const data = new FormData(form), button = form.querySelector('button');
		button.disabled = true;
		fill(note);
		try {
			await call('POST', '/api/v1/session', { user: data.get('name'), password: data.get('password') }, { signIn: true });
			await signedIn(url.searchParams.get('next'));
		} catch (problem) {
			fill(note, h('p', { class: 'trouble' }, icon('high'), problem.message));
			form.querySelector('#password').select();
		} finally {
			button.disabled = false;
		}
	} },
	h('h1', { tabindex: -1 }, t('login.title')),
	note,
	h('label', { for: 'name' }, t('login.name')),
	h('input', { id: 'name', name: 'name', autocomplete: 'username', required: true, autocapitalize: 'none', spellcheck: 'false' }),
	h('label', { for: 'password' }, t('login.password')),
	h('input', { id: 'password', name: 'password', type: 'password', autocomplete: 'current-password', required: true }),
	h('button', { type: 'submit', class: 'primary' }, t('login.do')),
	h('p', { class: 'small' }, t('login.lost')));
	fill(place, form);
}
