//! The code that both macros write for one tool: an implementation of `Tool`.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Attribute, Ident, Path};

use crate::declared::Declared;
use crate::signature::ToolSignature;

/// What differs between a function and a method.
pub(crate) struct Target<'a> {
    /// The type that gets the implementation.
    pub tool: &'a Ident,
    /// The conditions under which there is the tool.
    pub cfgs: &'a [Attribute],
    /// Calls the body, without the argument list.
    pub body: TokenStream,
    /// Calls the probe, without the argument list; with the receiver if it takes one.
    pub probe: Option<(TokenStream, Option<TokenStream>)>,
}

/// Returns `use <crate>::macros_support as __playhouse`, for the block that the expansion stands in.
pub(crate) fn support(krate: Option<&Path>) -> TokenStream {
    match krate {
        Some(krate) => quote!(use #krate::macros_support as __playhouse;),
        None => quote!(
            use ::playhouse::macros_support as __playhouse;
        ),
    }
}

/// Writes the implementation. It refers to a module `__playhouse` in scope.
pub(crate) fn tool_impl(target: &Target<'_>, declared: &Declared, signature: &ToolSignature) -> TokenStream {
    let Target { tool, cfgs, body, probe } = target;
    let ToolSignature { arguments, takes_context, answer, .. } = signature;
    let spec = arguments.as_ref().map_or_else(
        || quote!(spec_without_arguments()),
        |arguments| quote_spanned!(arguments.span()=> spec::<#arguments>()),
    );
    let read = arguments.as_ref().map(|arguments| {
        quote_spanned!(arguments.span()=> let arguments = __playhouse::arguments::<#arguments>(&arguments)?;)
    });
    // A tool without arguments ignores the text, a probe without it likewise.
    let unused = arguments.is_none().then(|| quote!(let _ = arguments;));
    let passed = [arguments.is_some().then(|| quote!(arguments)), takes_context.then(|| quote!(&ctx))];
    let passed = passed.into_iter().flatten();
    let unused_context = (!takes_context).then(|| quote!(let _ = ctx;));
    let output = |value: TokenStream| {
        if signature.answers_output() {
            quote!(::core::result::Result::Ok(#value))
        } else {
            quote_spanned!(answer.span()=> __playhouse::json(&#value))
        }
    };
    let answered = output(quote!(answer));
    let probed = output(quote!(answer));
    let probe = probe.as_ref().map(|(path, receiver)| {
        let passed = [receiver.clone(), arguments.is_some().then(|| quote!(&arguments)), Some(quote!(&ctx.keys))];
        let passed = passed.into_iter().flatten();
        quote! {
            fn probe(
                &self,
                arguments: ::std::string::String,
                ctx: __playhouse::ToolContext,
            ) -> __playhouse::BoxFuture<'_, ::core::result::Result<__playhouse::Probe<__playhouse::ToolOutput>, __playhouse::ToolError>>
            {
                ::std::boxed::Box::pin(async move {
                    #unused
                    #read
                    let found: __playhouse::Probe<#answer> = #path(#(#passed),*).await?;
                    __playhouse::probed(found, |answer| #probed)
                })
            }
        }
    });
    let declared = declared_fn(target, declared, signature, &spec);
    quote! {
        #declared

        #(#cfgs)*
        impl __playhouse::Tool for #tool {
            fn spec(&self) -> ::std::sync::Arc<__playhouse::ToolSpec> {
                Self::__declared()
            }

            fn call(
                &self,
                arguments: ::std::string::String,
                ctx: __playhouse::ToolContext,
            ) -> __playhouse::BoxFuture<'_, ::core::result::Result<__playhouse::ToolOutput, __playhouse::ToolError>> {
                ::std::boxed::Box::pin(async move {
                    #unused
                    #unused_context
                    #read
                    let answer: #answer = #body(#(#passed),*).await?;
                    #answered
                })
            }

            #probe
        }
    }
}

/// Writes the function that makes what the tool declares, once.
fn declared_fn(
    target: &Target<'_>,
    declared: &Declared,
    signature: &ToolSignature,
    spec: &TokenStream,
) -> TokenStream {
    let Target { tool, cfgs, .. } = target;
    let ToolSignature { name, description, .. } = signature;
    let fields = &declared.fields;
    quote! {
        #(#cfgs)*
        impl #tool {
            fn __declared() -> ::std::sync::Arc<__playhouse::ToolSpec> {
                static SPEC: ::std::sync::OnceLock<::std::sync::Arc<__playhouse::ToolSpec>> =
                    ::std::sync::OnceLock::new();
                let spec = SPEC.get_or_init(|| {
                    let declaration = __playhouse::Declaration {
                        name: #name,
                        description: #description,
                        #(#fields,)*
                        ..__playhouse::Declaration::DEFAULT
                    };
                    ::std::sync::Arc::new(declaration.#spec)
                });
                ::std::sync::Arc::clone(spec)
            }
        }
    }
}
