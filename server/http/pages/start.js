// The one-time link of the first start ends in #first=SECRET; the part behind # is never sent.
"use strict";

const form = document.getElementById("first");
const said = document.getElementById("said");
const secret = new URLSearchParams(location.hash.slice(1)).get("first");

async function create(event) {
  event.preventDefault();
  const fields = Object.fromEntries(new FormData(form));
  const answer = await fetch("/v1/first-administrator", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ secret, ...fields }),
  });
  if (answer.ok) {
    history.replaceState(null, "", "/");
    said.textContent = "Đã tạo. Đăng nhập bằng lệnh: bangtin login / Created. Log in with: bangtin login";
  } else {
    said.textContent = (await answer.json()).detail;
  }
}

form.hidden = secret === null;
form.addEventListener("submit", create);
