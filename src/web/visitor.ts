/** Who looks at the page: a chosen user of the catalogue, or a visitor id that stays with this browser. */
const USER = 'related-pins-user';
const VISITOR = 'related-pins-visitor';

export function currentUser(): string {
  return localStorage.getItem(USER) ?? visitorId();
}

export function chosenUser(): string | null {
  return localStorage.getItem(USER);
}

export function chooseUser(userId: string | null): void {
  if (userId === null) localStorage.removeItem(USER);
  else localStorage.setItem(USER, userId);
}

function visitorId(): string {
  const known = localStorage.getItem(VISITOR);
  if (known) return known;
  const fresh = `visitor-${crypto.randomUUID()}`;
  localStorage.setItem(VISITOR, fresh);
  return fresh;
}
