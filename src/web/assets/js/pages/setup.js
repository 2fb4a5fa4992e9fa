// First run: the one-time code from the console, then the first administrator. The page closes for good.
import { h, fill, t, icon, trouble } from '../ui.js';
import { call, hello } from '../data.js';
import { signedIn } from '../main.js';

export async function show(place, url, { go }) {
	const state = await call('GET', '/api/v1/setup', undefined, { signIn: true });
	if (!state.open) return void go(hello.user ? '/' : '/login', { replace: true });
	const least = state.password_min, note = h('div', {});
	const other = document.documentElement.lang === 'ja' ? 'en' : 'ja';
	const field = (id, props, hint) => [
		h('label', { for: id }, t(`setup.${id}`)),
		hint && h('p', { class: 'small', id: `${id}-hint` }, t(`setup.${id}.hint`, { n: least })),
		h('input', { id, name: id, required: true, 'aria-describedby': `${hint ? `${id}-hint ` : ''}${id}-error`, ...props }),
		h('p', { class: 'field-error', id: `${id}-error` }),
	];
	const button = h('button', { type: 'submit', class: 'primary' }, t('setup.do'));
	const form = h('form', { class: 'card narrow', novalidate: true, onsubmit: async (ev) => {
		ev.preventDefault();
		fill(note);
		const data = new FormData(form), wrong = check(data, least);
		complain(form, wrong);
		if (wrong.length) return;
		button.disabled = true;
		try {
			await call('POST', '/api/v1/setup', { code: data.get('code').trim().toUpperCase(), user: data.get('user').trim(),
				password: data.get('password'), lang: document.documentElement.lang }, { signIn: true });
			await signedIn('/');
		} catch (problem) {
			button.disabled = false;
			if (problem.code === 'setup_closed') return go('/login', { replace: true });
			const fields = problem.errors.map((e) => ({ field: (e.pointer || '').slice(1), text: e.detail }));
			if (problem.code === 'sign_in_failed') fields.push({ field: 'code', text: t('setup.code.wrong') });
			if (!fields.length) fill(note, trouble(problem));
			complain(form, fields);
		}
	} },
	h('h1', { tabindex: -1 }, t('setup.title')), h('p', {}, t('setup.why')), note,
	field('code', { autocomplete: 'one-time-code', spellcheck: 'false', autocapitalize: 'characters',
		class: 'mono', placeholder: 'XXXX-XXXX-XXXX' }, true),
	field('user', { autocomplete: 'username', spellcheck: 'false', autocapitalize: 'none', maxlength: 63 }, true),
	field('password', { type: 'password', autocomplete: 'new-password' }, true),
	field('again', { type: 'password', autocomplete: 'new-password' }), button);
	fill(place, h('div', { class: 'door' }, h('p', { class: 'brand' }, 'TOMS'), form,
		h('p', { class: 'small' }, h('a', { href: `/setup?lang=${other}`, target: '_self', lang: other }, t('setup.language')))));
}

function check(data, least) {
	const wrong = ['code', 'user', 'password'].filter((field) => !data.get(field).trim())
		.map((field) => ({ field, text: t('form.required') }));
	if (data.get('password') && [...data.get('password')].length < least)
		wrong.push({ field: 'password', text: t('setup.password.short', { n: least }) });
	else if (data.get('password') !== data.get('again')) wrong.push({ field: 'again', text: t('setup.again.differs') });
	return wrong;
}

// Text under each field that is to blame; the first one gets the focus. What was typed stays.
function complain(form, errors) {
	for (const input of form.querySelectorAll('input')) {
		const mine = errors.find((e) => e.field === input.id);
		fill(document.getElementById(`${input.id}-error`), mine && [icon('high'), ' ', mine.text]);
		if (mine) input.setAttribute('aria-invalid', 'true'); else input.removeAttribute('aria-invalid');
	}
	if (errors.length) form.querySelector(`#${CSS.escape(errors[0].field)}`)?.focus();
}
