//! What the signature of a tool says: its arguments, its context, its answer, its documentation.

use proc_macro2::Span;
use syn::spanned::Spanned;
use syn::{Attribute, Expr, FnArg, GenericArgument, Lit, Meta, PathArguments, ReturnType, Signature, Type};

use crate::declared::Errors;

/// A tool's signature, checked.
pub(crate) struct ToolSignature {
    /// The name for models.
    pub name: String,
    /// The documentation up to the first heading.
    pub description: String,
    /// The type of the arguments, if there are any.
    pub arguments: Option<Type>,
    /// Whether it takes the context.
    pub takes_context: bool,
    /// The type of the answer.
    pub answer: Type,
}

impl ToolSignature {
    /// Reads the signature of a function or method, without looking at a receiver.
    pub(crate) fn read(
        signature: &Signature,
        attributes: &[Attribute],
        name: Option<&(String, Span)>,
        errors: &mut Errors,
    ) -> Option<Self> {
        if signature.asyncness.is_none() {
            let problem = "a tool is an `async fn`; it may block, as it runs on a thread of its own";
            errors.push(syn::Error::new(signature.fn_token.span, problem));
        }
        if !signature.generics.params.is_empty() {
            errors.push(syn::Error::new(signature.generics.span(), "a tool has no generic parameters"));
        }
        let description = description(attributes);
        if description.is_empty() {
            let problem = "a tool needs a doc comment: it tells the model what the tool does";
            errors.push(syn::Error::new(signature.ident.span(), problem));
        }
        let own_name =
            (signature.ident.to_string().trim_start_matches("r#").to_owned(), signature.ident.span());
        let (name, span) = name.unwrap_or(&own_name);
        let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if !(1..=64).contains(&name.len()) || !name.chars().all(allowed) {
            let problem = format!("`{name}` is not a name: use 1 to 64 letters, digits, `-` or `_`");
            errors.push(syn::Error::new(*span, problem));
        }
        let inputs = inputs(signature, errors);
        let answer = errors.take(answer(&signature.output, signature.ident.span()));
        let ((arguments, takes_context), answer) = (inputs?, answer?);
        Some(Self { name: name.clone(), description, arguments, takes_context, answer })
    }

    /// Tells whether the answer is a `ToolOutput`, by the last segment of its type.
    pub(crate) fn answers_output(&self) -> bool {
        last_segment(&self.answer).is_some_and(|segment| segment.ident == "ToolOutput")
    }
}

fn inputs(signature: &Signature, errors: &mut Errors) -> Option<(Option<Type>, bool)> {
    let typed: Vec<&syn::PatType> = signature
        .inputs
        .iter()
        .filter_map(|input| match input {
            FnArg::Typed(typed) => Some(typed),
            FnArg::Receiver(_) => None,
        })
        .collect();
    let (arguments, context) = match typed.as_slice() {
        [] => return Some((None, false)),
        [only] if is_context(&only.ty) => return Some((None, true)),
        [arguments] => (arguments, None),
        [arguments, context] => (arguments, Some(context)),
        [_, _, third, ..] => {
            let problem =
                "a tool takes at most two arguments: one value with all its fields, and `&ToolContext`";
            errors.push(syn::Error::new(third.span(), problem));
            return None;
        }
    };
    if matches!(*arguments.ty, Type::Reference(_)) {
        let problem = "a tool takes its arguments by value; the context is `&ToolContext`, after them";
        errors.push(syn::Error::new(arguments.ty.span(), problem));
        return None;
    }
    if let Some(context) = context.filter(|context| !is_context(&context.ty)) {
        let problem = "the second argument of a tool is its context: `&ToolContext`";
        errors.push(syn::Error::new(context.ty.span(), problem));
        return None;
    }
    Some((Some((*arguments.ty).clone()), context.is_some()))
}

fn is_context(kind: &Type) -> bool {
    match kind {
        Type::Reference(reference) if reference.mutability.is_none() => {
            last_segment(&reference.elem).is_some_and(|segment| segment.ident == "ToolContext")
        }
        _ => false,
    }
}

fn last_segment(kind: &Type) -> Option<&syn::PathSegment> {
    match kind {
        Type::Path(path) => path.path.segments.last(),
        _ => None,
    }
}

fn answer(output: &ReturnType, name: Span) -> syn::Result<Type> {
    let problem = "a tool returns `Result<_, ToolError>`";
    let ReturnType::Type(_, kind) = output else { return Err(syn::Error::new(name, problem)) };
    let result = last_segment(kind).filter(|segment| segment.ident == "Result");
    if let Some(PathArguments::AngleBracketed(given)) = result.map(|segment| &segment.arguments)
        && let Some(GenericArgument::Type(answer)) = given.args.first()
    {
        return Ok(answer.clone());
    }
    Err(syn::Error::new(kind.span(), problem))
}

/// Returns the documentation up to the first heading.
fn description(attributes: &[Attribute]) -> String {
    let mut lines = Vec::new();
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("doc")) {
        if let Meta::NameValue(doc) = &attribute.meta
            && let Expr::Lit(literal) = &doc.value
            && let Lit::Str(text) = &literal.lit
        {
            let text = text.value();
            lines.extend(
                text.split('\n').map(|line| line.strip_prefix(' ').unwrap_or(line).trim_end().to_owned()),
            );
        }
    }
    let end = lines.iter().position(|line| line.starts_with('#')).unwrap_or(lines.len());
    lines.truncate(end);
    lines.join("\n").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::description;

    #[test]
    fn a_description_ends_at_the_first_heading() {
        let function: syn::ItemFn = syn::parse_quote! {
            /// Pays an invoice.
            ///
            /// At most once.
            /// # Errors
            /// Some.
            async fn pay() {}
        };
        assert_eq!(description(&function.attrs), "Pays an invoice.\n\nAt most once.");
    }
}
