// Shows the invitation that the address's fragment names and lets the person
// answer it. Without an invitation the page works by its plain forms alone.
'use strict';

(() => {
  const byId = (id) => document.getElementById(id);
  const show = (id, on) => { byId(id).hidden = !on; };
  let token = '';
  let invitation = null;
  let account = !byId('signed-in').hidden;

  const request = async (path, options = {}) => {
    try {
      const response = await fetch(path, { cache: 'no-store', ...options });
      const body = await response.json().catch(() => ({}));
      return { ok: response.ok, status: response.status, body };
    } catch {
      return { ok: false, status: 0, body: { detail: 'The server can’t be reached. Try again.' } };
    }
  };
  const detail = (answer) => answer.body.detail || 'This did not work. Try again.';
  const post = (path, headers = {}, body = undefined) => request(path, { method: 'POST', headers, body });
  const invitationPath = (rest = '') => `/v1/invitations/${encodeURIComponent(token)}${rest}`;

  const tell = (text, bad = false) => {
    const outcome = byId('outcome');
    outcome.textContent = text;
    outcome.classList.toggle('bad', bad);
    outcome.hidden = text === '';
    if (text) outcome.focus();
  };

  const element = (name, text) => Object.assign(document.createElement(name), { textContent: text });

  const dead = {
    active: 'This invitation has been accepted.',
    expired: 'This invitation has expired. Ask for a new one.',
    declined: 'This invitation has been declined.',
  };

  const fieldOf = { invalid_name: 'name', invalid_email: 'email', no_account: 'email', account_exists: 'email' };

  // What is on the page follows from three facts: who is signed in, which
  // invitation there is, and whether it can still be answered.
  const arrange = () => {
    const open = invitation !== null && invitation.status === 'pending';
    show('signed-in', account);
    show('sign-out', account);
    show('signed-out', !account);
    show('hint', invitation === null);
    show('choices', open);
    show('accept', open && account);
  };

  const describe = () => {
    const box = byId('invitation');
    const inviter = (invitation.inviter && invitation.inviter.name) || 'An admin';
    const title = element('h2', `${inviter} invited you to ${invitation.workspace.name}`);
    const list = document.createElement('dl');
    const expires = new Date(invitation.expiresAt);
    const rows = [['Role', invitation.role], ['Email', invitation.email]];
    if (!Number.isNaN(expires.getTime())) {
      rows.push(['Open until', expires.toLocaleString('en', { dateStyle: 'medium', timeStyle: 'short' })]);
    }
    for (const [term, value] of rows) {
      if (value) list.append(element('dt', term), element('dd', value));
    }
    box.replaceChildren(title, list);
    if (dead[invitation.status]) box.append(element('p', dead[invitation.status]));
    box.hidden = false;
  };

  const open = async () => {
    const found = new URLSearchParams(location.hash.slice(1)).get('invitation');
    if (!found) return;
    token = found;
    invitation = null;
    // The token opens a door: it stays in memory and leaves the address bar,
    // the history and whatever reads them.
    history.replaceState(null, '', location.pathname + location.search);
    const box = byId('invitation');
    box.replaceChildren(element('p', 'Reading your invitation…'));
    box.hidden = false;
    tell('');
    const other = byId('other');
    other.href = new URL(`#invitation=${encodeURIComponent(token)}`, other.href).href;

    const answer = await request(invitationPath());
    if (token !== found) return;
    if (!answer.ok) {
      box.replaceChildren(element('p', answer.status === 404
        ? 'This invitation link isn’t valid, or not any more. Ask for a new one.' : detail(answer)));
      return;
    }
    invitation = answer.body;
    describe();
    const email = byId('email');
    if (invitation.email && !invitation.email.includes('*') && !email.value) email.value = invitation.email;
    const name = byId('name');
    if (name && invitation.name && !name.value) name.value = invitation.name;
    arrange();
  };

  const answerForm = async (event) => {
    if (!token) return;
    event.preventDefault();
    const form = event.currentTarget;
    const message = byId('message');
    const submit = byId('submit');
    message.hidden = true;
    const values = Object.fromEntries(new FormData(form));
    submit.disabled = true;
    const answer = await post(form.getAttribute('action'), { 'Content-Type': 'application/json' }, JSON.stringify(values));
    submit.disabled = false;
    for (const input of form.querySelectorAll('input')) {
      input.removeAttribute('aria-invalid');
      input.removeAttribute('aria-describedby');
      if (!answer.ok && input.id === fieldOf[answer.body.code]) {
        input.setAttribute('aria-invalid', 'true');
        input.setAttribute('aria-describedby', 'message');
      }
    }
    if (!answer.ok) {
      message.textContent = detail(answer);
      if (['no_account', 'account_exists'].includes(answer.body.code)) {
        const link = byId('other').cloneNode(true);
        link.removeAttribute('id');
        message.append(' ', link);
      }
      message.hidden = false;
      return;
    }
    byId('account-name').textContent = answer.body.name;
    byId('account-email').textContent = answer.body.email;
    account = true;
    tell('');
    arrange();
    byId('signed-in').querySelector('h1').focus();
  };

  const signOut = async (event) => {
    if (!token) return;
    event.preventDefault();
    const answer = await post('/logout', { Accept: 'application/json' });
    if (!answer.ok) return tell(detail(answer), true);
    account = false;
    tell('');
    arrange();
    byId('email').focus();
  };

  const settle = async (work) => {
    const buttons = byId('choices').querySelectorAll('button');
    for (const b of buttons) b.disabled = true;
    await work();
    for (const b of buttons) b.disabled = false;
  };

  const accept = () => settle(async () => {
    const session = await post('/local/session/token', { 'X-Latchkey': '1' });
    if (!session.ok) {
      account = session.status !== 401;
      arrange();
      return tell(detail(session), true);
    }
    const answer = await post(invitationPath('/accept'), { Authorization: `Bearer ${session.body.token}` });
    if (!answer.ok) return tell(detail(answer), true);
    invitation.status = 'active';
    arrange();
    tell(`You’re in: welcome to ${invitation.workspace.name}.`);
  });

  const decline = () => settle(async () => {
    const answer = await post(invitationPath('/decline'));
    if (!answer.ok) return tell(detail(answer), true);
    invitation.status = 'declined';
    arrange();
    tell(`You declined the invitation to ${invitation.workspace.name}.`);
  });

  byId('account-form').addEventListener('submit', answerForm);
  byId('sign-out').addEventListener('submit', signOut);
  byId('accept').addEventListener('click', accept);
  byId('decline').addEventListener('click', decline);
  window.addEventListener('hashchange', open);
  open();
})();
