// @ts-check
import { Comment, Converter, JSX, ParameterType, ReflectionKind } from 'typedoc';

/** What tfjs calls on a callback; the classes document what they do there. */
const events = /^(setParams|setModel|on(Train|Epoch|Batch)(Begin|End))$/;

const className = 'Name under which tfjs saves the layer in a model and finds it again.';

/** @param {string} text */
const says = (text) => new Comment([{ kind: 'text', text }]);

/** @param {import('typedoc').Application} app */
export function load(app) {
  documentFields(app);
  linkPages(app);
}

/**
 * `npm run site` builds the pages beside the documentation: with `--pages` each of its own leads there.
 *
 * @param {import('typedoc').Application} app
 */
function linkPages(app) {
  app.options.addDeclaration({ name: 'pages', help: 'Links the pages to play with.', type: ParameterType.Boolean });
  app.renderer.hooks.on('sidebar.begin', (context) =>
    app.options.getValue('pages')
      ? JSX.createElement(
          'p',
          null,
          JSX.createElement('a', { href: context.relativeURL('pages/index.html') }, 'Pages to play with'),
        )
      : JSX.createElement(JSX.Fragment, null),
  );
}

/**
 * Spares the sources to say twice what a reader of the reference wants to find in both places: a field of a layer is
 * documented like the option of the same name.
 *
 * @param {import('typedoc').Application} app
 */
function documentFields(app) {
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
    const interfaces = project.getReflectionsByKind(ReflectionKind.Interface);
    /** @param {string} owner @param {string} field @returns {Comment | undefined} */
    const option = (owner, field) => {
      const config = interfaces.find(({ name }) => name === `${owner}Config`);
      return config?.isDeclaration() ? config.getChildByName([field])?.comment : undefined;
    };
    for (const reflection of project.getReflectionsByKind(ReflectionKind.ClassOrInterface)) {
      if (!reflection.isDeclaration()) continue;
      const owners = [reflection.name, ...(reflection.extendedTypes ?? []).map((type) => type.toString())];
      for (const field of reflection.children ?? []) {
        for (const signature of events.test(field.name) ? (field.signatures ?? []) : []) {
          signature.comment ??= says('Called by `fit`.');
        }
        if (!field.kindOf(ReflectionKind.Property) || field.comment) continue;
        const comment = owners.map((owner) => option(owner, field.name)).find((one) => one !== undefined);
        if (field.name === 'className') field.comment = says(className);
        else if (comment) field.comment = comment.clone();
      }
    }
  });
}
