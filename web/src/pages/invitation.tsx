export default function InvitationPage() {
  return <p>…</p>;
}
