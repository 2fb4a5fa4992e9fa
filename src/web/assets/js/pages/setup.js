// First run: the one-time code from the console, then the first administrator. The page closes for good.
import { h, fill, t, icon } from '../ui.js';
import { call } from '../data.js';
import { signedIn, go } from '../main.js';

export async function show(place) {
	const state = await call('GET', '/api/v1/setup', undefined, { signIn: true });
	if (!state.open) return void go('/login', true);
	const least = state.password_min;
	const note = h('div', { role: 'alert' });
	const field = (id, word, props, hint) => [
		h('label', { for: id }, t(word)),
		hint && h('p', { class: 'small', id: `${id}-hint` }, t(hint, { n: least })),
		h('input', { id, name: id, required: true, 'aria-describedby': hint && `${id}-hint`, ...props }),
		h('p', { class: 'field-error', id: `${id}-error` }),
	];
	const form = h('form', { class: 'card narrow', novalidate: true, onsubmit: async (ev) => {
		ev.preventDefault();
		fill(note);
		form.querySelectorAll('.field-error').forEach((el) => fill(el));
		const data = new FormData(form);
		const wrong = check(data, least);
		if (wrong) return void complain(form, [wrong]);
		const button = form.querySelector('button');
		button.disabled = true;
		try {
			await call('POST', '/api/v1/setup', { code: data.get('code').trim(), user: data.get('user').trim(),
				password: data.get('password'), lang: document.documentElement.lang }, { signIn: true });
			await signedIn('/');
		} catch (problem) {
			fill(note, h('p', { class: 'trouble' }, icon('high'), problem.message));
			complain(form, problem.errors.map((e) => ({ field: (e.pointer || '/code').slice(1), text: e.detail })));
		} finally {
			button.disabled = false;
		}
	} },
	h('h1', { tabindex: -1 }, t('setup.title')),
	h('p', {}, t('setup.why')),
	note,
	field('code', 'setup.code', { autocomplete: 'one-time-code', spellcheck: 'false', autocapitalize: 'characters' }, 'setup.code.where'),
	field('user', 'setup.name', { autocomplete: 'username', spellcheck: 'false', autocapitalize: 'none', maxlength: 63 }, 'setup.name.hint'),
	field('password', 'setup.password', { type: 'password', autocomplete: 'new-password' }, 'setup.password.hint'),
	field('again', 'setup.again', { type: 'password', autocomplete: 'new-password' }),
	h('button', { type: 'submit', class: 'primary' }, t('setup.do')));
	fill(place, form);
}

function check(data, least) {
	for (const field of ['code', 'user', 'password'])
		if (!data.get(field).trim()) return { field, text: t('form.required') };
	if ([...data.get('password')].length < least) return { field: 'password', text: t('setup.password.short', { n: least }) };
	if (data.get('password') !== data.get('again')) return { field: 'again', text: t('setup.again.differs') };
	return null;
}

function complain(form, errors) {
	for (const { field, text } of errors) {
		const slot = form.querySelector(`#${CSS.escape(field)}-error`);
		if (slot) fill(slot, icon('high'), text);
	}
	form.querySelector(`#${CSS.escape(errors[0]?.field || 'code')}`)?.focus();
}
