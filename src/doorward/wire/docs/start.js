"use strict";

// The title comes first, then how to try a call.
function tellHow(aside) {
  aside?.replaceChildren(document.getElementById("how").content.cloneNode(true));
}

function withHow(Info, { React }) {
  return (properties) =>
    React.createElement(
      React.Fragment,
      null,
      React.createElement(Info, properties),
      React.createElement("aside", { id: "try", ref: tellHow }),
    );
}

SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#calls",
  deepLinking: true,
  defaultModelsExpandDepth: -1,
  displayRequestDuration: true,
  docExpansion: "list",
  filter: true,
  persistAuthorization: false,
  // Else the page would ask another host whether the document is right.
  validatorUrl: null,
  plugins: [{ wrapComponents: { info: withHow } }],
});

// Swagger UI puts the cursor into the last of the ways to authorize; most people want the first.
document.addEventListener("click", (event) => {
  if (event.target.closest("button.authorize")) {
    requestAnimationFrame(() => document.querySelector(".auth-container input")?.focus());
  }
});
