//! `#[tool]` on a function.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Attribute, FnArg, ItemFn};

use crate::declared::{Declared, Errors};
use crate::expansion::{Target, support, tool_impl};
use crate::signature::ToolSignature;

pub(crate) fn expand(attributes: TokenStream, item: TokenStream) -> syn::Result<TokenStream> {
    let mut function: ItemFn = syn::parse2(item).map_err(|error| {
        syn::Error::new(
            error.span(),
            "`#[tool]` belongs to an `async fn`, or to a method in a `#[tools] impl`",
        )
    })?;
    let mut errors = Errors::default();
    let declared = Declared::read(attributes, &mut errors);
    if let Some(FnArg::Receiver(receiver)) = function.sig.inputs.first() {
        let problem = "a tool with `self` is a method: put `#[tools]` on its impl";
        errors.push(syn::Error::new_spanned(receiver, problem));
    }
    let signature = ToolSignature::read(&function.sig, &function.attrs, declared.name.as_ref(), &mut errors);
    errors.finish()?;
    let Some(signature) = signature else { return Ok(TokenStream::new()) };

    let support = support(declared.krate.as_ref());
    let name = function.sig.ident.clone();
    let visibility = function.vis.clone();
    let (shared, others): (Vec<Attribute>, Vec<Attribute>) = function
        .attrs
        .drain(..)
        .partition(|attribute| attribute.path().is_ident("doc") || attribute.path().is_ident("cfg"));
    let cfgs: Vec<Attribute> =
        shared.iter().filter(|attribute| attribute.path().is_ident("cfg")).cloned().collect();
    function.sig.ident = syn::Ident::new("call", name.span());
    function.sig.inputs.insert(0, syn::parse_quote!(&self));
    let probe = declared.probe.as_ref().map(|path| (quote!(#path), None));
    let target = Target { tool: &name, cfgs: &cfgs, body: quote!(self.call), probe };
    let implementation = tool_impl(&target, &declared, &signature);
    Ok(quote! {
        #(#shared)*
        #[allow(non_camel_case_types)]
        #[derive(Clone, Copy, Debug)]
        #visibility struct #name;

        #(#cfgs)*
        #[allow(clippy::unused_self, clippy::trivially_copy_pass_by_ref)]
        impl #name {
            #(#shared)*
            #(#others)*
            #function
        }

        const _: () = {
            #support
            #implementation
        };
    })
}
