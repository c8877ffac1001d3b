//! `#[tools]` on an impl.

use std::collections::BTreeSet;

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Attribute, FnArg, ImplItem, ImplItemFn, ItemImpl, Meta, Path, Type};

use crate::declared::{Declared, Errors, settings, unknown};
use crate::expansion::{Target, support, tool_impl};
use crate::signature::ToolSignature;

pub(crate) fn expand(attributes: TokenStream, item: TokenStream) -> syn::Result<TokenStream> {
    let mut block: ItemImpl = syn::parse2(item)
        .map_err(|error| syn::Error::new(error.span(), "`#[tools]` belongs to an `impl` of methods"))?;
    let mut errors = Errors::default();
    let krate = krate(attributes, &mut errors);
    if let Some((_, path, _)) = &block.trait_ {
        errors.push(syn::Error::new_spanned(path, "`#[tools]` belongs to an impl without a trait"));
    }
    if !block.generics.params.is_empty() {
        errors.push(syn::Error::new_spanned(&block.generics, "a type with tools has no generic parameters"));
    }
    let owner = (*block.self_ty).clone();
    let (mut members, mut names) = (Vec::new(), BTreeSet::new());
    for item in &mut block.items {
        let ImplItem::Fn(method) = item else { continue };
        let Some(place) = method.attrs.iter().position(is_tool) else { continue };
        let attribute = method.attrs.remove(place);
        if let Some(member) = Member::read(method, &attribute, &owner, &mut errors) {
            if !names.insert(member.name.clone()) {
                let problem = format!("there are two tools with the name `{}`", member.name);
                errors.push(syn::Error::new(method.sig.ident.span(), problem));
            }
            members.push(member);
        }
    }
    errors.finish()?;
    if members.is_empty() {
        return Err(syn::Error::new_spanned(&block.self_ty, "no method of this impl has `#[tool]`"));
    }
    let support = support(krate.as_ref());
    let (cfgs, tools): (Vec<_>, Vec<_>) = members.iter().map(|member| (&member.cfgs, &member.tool)).unzip();
    let implementations = members.iter().map(|member| &member.implementation);
    Ok(quote! {
        #block

        const _: () = {
            #support
            #(#implementations)*

            impl __playhouse::ToolSet for #owner {
                fn specs() -> ::std::vec::Vec<::std::sync::Arc<__playhouse::ToolSpec>> {
                    let mut specs = ::std::vec::Vec::new();
                    #(#(#cfgs)* specs.push(#tools::__declared());)*
                    specs
                }

                fn tools(self: ::std::sync::Arc<Self>) -> ::std::vec::Vec<::std::sync::Arc<dyn __playhouse::Tool>> {
                    let mut tools: ::std::vec::Vec<::std::sync::Arc<dyn __playhouse::Tool>> = ::std::vec::Vec::new();
                    #(#(#cfgs)* tools.push(::std::sync::Arc::new(#tools(::std::sync::Arc::clone(&self))));)*
                    tools
                }
            }
        };
    })
}

fn is_tool(attribute: &Attribute) -> bool {
    attribute.path().segments.last().is_some_and(|segment| segment.ident == "tool")
}

fn krate(attributes: TokenStream, errors: &mut Errors) -> Option<Path> {
    let mut krate = None;
    for setting in settings(attributes, errors) {
        if setting.key == "crate" {
            krate = errors.take(setting.path("the path of the crate that has `macros_support`"));
        } else {
            errors.push(unknown(&setting.key, &["crate"]));
        }
    }
    krate
}

/// One tool of the set.
struct Member {
    name: String,
    /// The type that stands for it.
    tool: syn::Ident,
    cfgs: Vec<Attribute>,
    implementation: TokenStream,
}

impl Member {
    fn read(method: &ImplItemFn, attribute: &Attribute, owner: &Type, errors: &mut Errors) -> Option<Self> {
        let given = match &attribute.meta {
            Meta::Path(_) => TokenStream::new(),
            Meta::List(list) => list.tokens.clone(),
            Meta::NameValue(_) => {
                errors.push(syn::Error::new_spanned(
                    attribute,
                    "write `#[tool]` or `#[tool(key = value, ..)]`",
                ));
                return None;
            }
        };
        let declared = Declared::read(given, errors);
        if let Some(krate) = &declared.krate {
            errors.push(syn::Error::new_spanned(krate, "give `crate` to `#[tools]`, for all of them"));
        }
        match method.sig.inputs.first() {
            Some(FnArg::Receiver(receiver))
                if receiver.reference.is_some() && receiver.mutability.is_none() => {}
            _ => {
                let problem = "a tool of a set takes `&self`: its calls run at the same time";
                errors.push(syn::Error::new(method.sig.ident.span(), problem));
            }
        }
        let signature = ToolSignature::read(&method.sig, &method.attrs, declared.name.as_ref(), errors)?;
        let ident = &method.sig.ident;
        let tool = format_ident!("__playhouse_tool_{}", ident);
        let probe = declared.probe.as_ref().map(|path| match method_path(path, owner) {
            Some(method) => (method, Some(quote!(&*self.0))),
            None => (quote!(#path), None),
        });
        let cfgs: Vec<Attribute> =
            method.attrs.iter().filter(|attribute| attribute.path().is_ident("cfg")).cloned().collect();
        let target = Target { tool: &tool, cfgs: &cfgs, body: quote!(self.0.#ident), probe };
        let implementation = tool_impl(&target, &declared, &signature);
        let implementation = quote! {
            #(#cfgs)*
            #[allow(non_camel_case_types)]
            struct #tool(::std::sync::Arc<#owner>);

            #implementation
        };
        Some(Self { name: signature.name, tool, cfgs, implementation })
    }
}

/// Returns the path of a method for a path that begins with `Self`.
fn method_path(path: &Path, owner: &Type) -> Option<TokenStream> {
    let mut segments = path.segments.iter();
    segments.next().filter(|segment| segment.ident == "Self")?;
    Some(quote!(<#owner>::#(#segments)::*))
}
