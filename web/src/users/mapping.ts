// Which column of a file is which: by the names that the dashboard's languages,
// ToolJet, Excel and Google give them, in any case, spelling and order.

/** What a column of a file can be; first and last make up a name. */
export const targets = ['name', 'first', 'last', 'email', 'role', 'groups', 'metadata', 'message', 'locale', 'sendEmail', 'confirm', 'expiresInDays'] as const;
export type Target = (typeof targets)[number];

/** Without what differs between two spellings of a name. */
function plain(text: string): string {
  return text.normalize('NFKD').toLowerCase().replace(/[^\p{L}\p{N}]/gu, '');
}

// cspell:disable -- names in other languages
const aliases: Record<Target, string[]> = {
  name: [
    'name', 'full name', 'display name', 'vollständiger Name', 'nombre', 'nombre completo', 'nom', 'nom complet', 'nome', 'nome completo',
    '名前', '氏名', '姓名', '名字',
  ],
  first: ['first name', 'first name [required]', 'given name', 'Vorname', 'nombre de pila', 'prénom', 'primeiro nome', '名'],
  last: ['last name', 'last name [required]', 'family name', 'surname', 'Nachname', 'apellido', 'apellidos', 'nom de famille', 'sobrenome', '姓'],
  email: [
    'email', 'email address', 'email address [required]', 'email 1 value', 'mail', 'work email', 'user principal name', 'E-Mail-Adresse', 'Mailadresse',
    'correo', 'correo electrónico', 'adresse email', 'adresse e-mail', 'courriel', 'endereço de e-mail', 'メール', 'メールアドレス', '邮箱', '电子邮件', '电子邮箱', '邮箱地址',
  ],
  role: ['role', 'user role', 'Rolle', 'rol', 'rôle', 'função', 'papel', 'ロール', '役割', '角色'],
  groups: ['groups', 'group', 'user groups', 'Gruppen', 'Gruppe', 'grupos', 'grupo', 'groupes', 'groupe', 'グループ', '群组', '组'],
  metadata: ['metadata', 'user metadata', 'Metadaten', 'metadatos', 'métadonnées', 'metadados', 'メタデータ', '元数据'],
  message: ['message', 'personal message', 'Nachricht', 'mensaje', 'mensagem', 'メッセージ', '留言'],
  locale: ['locale', 'language', 'Sprache', 'idioma', 'langue', '言語', '语言'],
  sendEmail: ['sendEmail'],
  confirm: ['confirm'],
  expiresInDays: ['expiresInDays'],
};
// cspell:enable

const targetOf = new Map(targets.flatMap((t) => aliases[t].map((alias) => [plain(alias), t] as const)));

/** The best guess for each column; undefined for one to leave out, and for the second of a kind. */
export function guess(header: string[]): (Target | undefined)[] {
  const taken = new Set<Target>();
  return header.map((h) => {
    const target = targetOf.get(plain(h));
    if (!target || taken.has(target)) return undefined;
    taken.add(target);
    return target;
  });
}

/** What the API reads as it stands: its own columns, and those of an exported list that it passes over. */
const asIs = new Set<string>([
  ...targets, 'createdAt', 'delivery', 'deliveryReason', 'expiresAt', 'id', 'invitedBy', 'sentAt', 'status',
].filter((h) => h !== 'first' && h !== 'last'));

export function needsMapping(header: string[]): boolean {
  return header.some((h) => !asIs.has(h)) || ['name', 'email', 'role'].some((h) => !header.includes(h));
}

/** The header and the rows that the API reads, made of a file's by a mapping; role is for those of a file without roles. */
export function mapped(header: string[], rows: string[][], mapping: (Target | undefined)[], role: string): { header: string[]; rows: string[][] } {
  const at = (t: Target) => mapping.indexOf(t);
  const own = targets.filter((t) => t !== 'name' && t !== 'first' && t !== 'last' && t !== 'role' && at(t) >= 0);
  const cell = (row: string[], t: Target) => (at(t) < 0 ? '' : (row[at(t)] ?? '').trim());
  return {
    header: ['name', 'role', ...own],
    rows: rows.map((row) => {
      if (row.length !== header.length) return row; // ragged: nobody knows which cell is which
      const name = cell(row, 'name') || [cell(row, 'first'), cell(row, 'last')].filter(Boolean).join(' ');
      return [name, at('role') < 0 ? role : cell(row, 'role'), ...own.map((t) => (t === 'groups' ? listOf(cell(row, t)) : cell(row, t)))];
    }),
  };
}

/** Groups as the API separates them. */
function listOf(cell: string): string {
  return cell.split(/\s*[|,;]\s*/).filter(Boolean).join('|');
}

const roleOf = new Map(
  Object.entries({
    // cspell:disable
    admin: ['admin', 'administrator', 'administrador', 'administrateur', '管理者', '管理员'],
    builder: ['builder', 'creador', 'concepteur', 'criador', 'ビルダー', '构建者'],
    'end-user': ['end user', 'end-user', 'Endnutzer', 'usuario final', 'utilisateur final', 'usuário final', 'エンドユーザー', '最终用户'],
    // cspell:enable
  }).flatMap(([role, names]) => names.map((name) => [plain(name), role] as const)),
);

/** A role by its id or its label in any language; anything else as it stands. */
export function roleNamed(cell: string): string {
  return roleOf.get(plain(cell)) ?? cell;
}

/** Whether a file is a workbook of Excel, which is a ZIP archive, or one of its older format. */
export function isWorkbook(bytes: Uint8Array): boolean {
  const begins = (...magic: number[]) => magic.every((byte, i) => bytes[i] === byte);
  return begins(0x50, 0x4b, 0x03, 0x04) || begins(0xd0, 0xcf, 0x11, 0xe0);
}
