export default function Page() {
  return (
    <p>
      Post an order to <code>/orders</code>. <a href="/hooks/">The dashboard</a> shows its webhook.
    </p>
  )
}
