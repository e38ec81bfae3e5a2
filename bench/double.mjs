// The in-memory double as a peer: one Node process, with people and a group made in it, because it
// makes no groups over HTTP. Calls are about so many of the people; POST /refill puts everybody
// back into the group.
import http from "node:http"
import { createFake } from "@seamapi/fake-seam-connect"

const [count, port, about] = process.argv.slice(2).map(Number)
const fake = await createFake()
await fake.seed()
const { workspace_id } = fake.database.workspaces[0]
const key = fake.database.addApiKey({ name: "bench", workspace_id, token: "seam_testbench_key" })
const account = fake.database.addConnectedAccount({
  provider: "salto_ks", workspace_id, user_identifier: { email: "bench@example.com" },
})
const system = fake.database.addAcsSystem({
  external_type: "salto_site", name: "bench", workspace_id,
  connected_account_id: account.connected_account_id,
})
const acs_system_id = system.acs_system_id
const group = fake.database.addAcsAccessGroup({
  external_type: "salto_access_group", name: "bench", workspace_id, acs_system_id,
})
const acs_access_group_id = group.acs_access_group_id
// One is made as the double makes them; one by one, many would take it hours.
const first = fake.database.addAcsUser({
  external_type: "salto_site_user", acs_system_id, workspace_id, full_name: "Person",
})
const people = Array.from({ length: count }, (_, i) => ({
  ...first, acs_user_id: `${first.acs_user_id}-${i}`, full_name: `Person ${i}`,
}))
fake.database.setState({ acs_users: people })
const everybody = people.map((person) => person.acs_user_id)
const few = Math.min(about, count)
const users = Array.from({ length: few }, (_, i) => everybody[Math.floor((i * count) / few)])
const refill = () => {
  fake.database.setState({
    acs_access_groups: fake.database.getState().acs_access_groups.map((each) =>
      each.acs_access_group_id === acs_access_group_id
        ? { ...each, _acs_user_ids: everybody } : each),
  })
}
await fake.startServer({ port })
http.createServer((_request, response) => { refill(); response.end("{}") })
  .listen(0, "127.0.0.1", function () {
    console.log(JSON.stringify({
      port, control: this.address().port,
      token: key.token, users, acs_access_group_id, pid: process.pid,
    }))
  })
