// Sign-in, as a page and over a page whose session has ended. The same answer for every failure; the server
// says how long to wait.
import { h, fill, t, icon } from '../ui.js';
import { call, session } from '../data.js';
import { signedIn } from '../main.js';

export function show(place, url, { go }) {
	const next = url.searchParams.get('next');
	if (session) return go(next || '/', { replace: true });
	fill(place, h('div', { class: 'door' }, h('p', { class: 'brand' }, 'TOMS'), signInForm({
		title: h('h1', { tabindex: -1 }, t('login.title')), done: () => signedIn(next) })));
	place.querySelector('#name').focus();
}

export function signInForm({ title, why, name, done }) {
	const note = h('div', { role: 'alert' });
	const user = h('input', { id: 'name', name: 'name', autocomplete: 'username', required: true, autocapitalize: 'none',
		spellcheck: 'false', value: name || '', readonly: Boolean(name) });
	const password = h('input', { id: 'password', name: 'password', type: 'password',
		autocomplete: 'current-password', required: true, autofocus: Boolean(name) });
	const button = h('button', { type: 'submit', class: 'primary' }, t('login.do'));
	return h('form', { class: 'card narrow', onsubmit: async (ev) => {
		ev.preventDefault();
		button.disabled = true;
		fill(note);
		try {
			await call('POST', '/api/v1/session', { user: user.value.trim(), password: password.value }, { signIn: true });
			await done();
		} catch (problem) {
			fill(note, h('p', { class: 'trouble' }, icon('high'), h('span', {}, problem.message)));
			button.disabled = false;
			password.select();
			password.focus();
		}
	} },
	title, why && h('p', {}, why), note,
	h('label', { for: 'name' }, t('login.name')), user,
	h('label', { for: 'password' }, t('login.password')), password, button,
	!name && h('p', { class: 'small' }, t('login.lost')));
}
