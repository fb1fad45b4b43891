//! Namespaces in scope.

use std::borrow::Cow;
use std::collections::HashMap;

/// A namespace by a number: equal numbers are equal URIs, so that a long URI
/// is looked at only where it is declared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Namespace(usize);

/// The namespaces with a number of their own.
const KNOWN: [&str; 6] = [
    "",
    "http://schemas.xmlsoap.org/soap/envelope/",
    "http://soap.sforce.com/2005/09/outbound",
    "http://www.w3.org/2001/XMLSchema-instance",
    "http://www.w3.org/XML/1998/namespace",
    "http://www.w3.org/2000/xmlns/",
];

impl Namespace {
    /// No namespace.
    pub(super) const NONE: Self = Self(0);
    /// SOAP 1.1.
    pub(super) const SOAP: Self = Self(1);
    /// Salesforce's outbound messages.
    pub(super) const OUTBOUND: Self = Self(2);
    /// Attributes of XML Schema instances, `xsi`.
    pub(super) const XSI: Self = Self(3);
    /// That of the prefix `xml`.
    const XML: Self = Self(4);
    /// That of namespace declarations.
    pub(super) const XMLNS: Self = Self(5);

    /// What people look up when it is missing or another one.
    pub(super) fn uri(self) -> &'static str {
        KNOWN.get(self.0).copied().unwrap_or_default()
    }
}

/// The declarations in scope, innermost last.
#[derive(Debug)]
pub(super) struct Namespaces<'a> {
    bindings: Vec<Binding<'a>>,
    /// How many URIs in scope are not [`KNOWN`]. Each has the number that it was
    /// given when it came into scope.
    others: usize,
    /// What would have to be searched for, while there are more bindings than
    /// [`Namespaces::FEW`]: many declarations must not make each look-up slow.
    many: Many<'a>,
}

/// The bindings by what is looked up.
#[derive(Debug, Default)]
struct Many<'a> {
    /// The innermost binding of each prefix.
    innermost: HashMap<&'a str, usize>,
    /// URIs in scope that are not [`KNOWN`].
    others: HashMap<Cow<'a, str>, Namespace>,
}

#[derive(Debug)]
struct Binding<'a> {
    prefix: &'a str,
    namespace: Namespace,
    /// The binding of the same prefix that this one hides, where they are not
    /// few.
    hidden: Option<usize>,
    /// The URI, where no binding outside has it: it leaves scope with this
    /// one, or a message of ever new URIs would take many times its size.
    own_uri: Option<Cow<'a, str>>,
}

impl<'a> Namespaces<'a> {
    /// As many bindings are searched one by one, which is faster than hashing.
    const FEW: usize = 16;

    /// What is in scope before the root element.
    pub(super) fn new() -> Self {
        let mut namespaces = Self {
            bindings: Vec::with_capacity(Self::FEW),
            others: 0,
            many: Many::default(),
        };
        namespaces.bind("xml", Namespace::XML, None);
        namespaces.bind("", Namespace::NONE, None);
        namespaces
    }

    /// Brings a declaration into scope; the empty prefix is the default
    /// namespace. An error is a sentence.
    pub(super) fn declare(
        &mut self,
        prefix: &'a str,
        uri: Cow<'a, str>,
    ) -> Result<(), &'static str> {
        let (namespace, own_uri) = self.number(uri);
        let is_xml = namespace == Namespace::XML;
        if prefix == "xmlns" || namespace == Namespace::XMLNS {
            return Err("The prefix `xmlns` and its namespace may not be declared.");
        }
        if (prefix == "xml") != is_xml {
            return Err("The prefix `xml` and its namespace belong together.");
        }
        if namespace == Namespace::NONE && !prefix.is_empty() {
            return Err("A prefix may not be declared for the empty namespace.");
        }
        self.bind(prefix, namespace, own_uri);
        Ok(())
    }

    /// The namespace of a prefix, if it is in scope.
    pub(super) fn resolve(&self, prefix: &str) -> Option<Namespace> {
        if self.bindings.len() <= Self::FEW {
            let mut innermost_first = self.bindings.iter().rev();
            return innermost_first
                .find(|binding| binding.prefix == prefix)
                .map(|binding| binding.namespace);
        }
        let binding = self.bindings.get(*self.many.innermost.get(prefix)?)?;
        Some(binding.namespace)
    }

    /// How many declarations are in scope, to come back to.
    pub(super) fn len(&self) -> usize {
        self.bindings.len()
    }

    /// Takes the latest declarations out of scope, down to an earlier
    /// [`Namespaces::len`].
    pub(super) fn truncate(&mut self, len: usize) {
        if len >= self.bindings.len() {
            return;
        }
        let are_few = len <= Self::FEW;
        for binding in self.bindings.drain(len..).rev() {
            self.others -= usize::from(binding.own_uri.is_some());
            if are_few {
                continue;
            }
            match binding.hidden {
                Some(hidden) => {
                    self.many.innermost.insert(binding.prefix, hidden);
                }
                None => {
                    self.many.innermost.remove(binding.prefix);
                }
            }
            if let Some(uri) = binding.own_uri {
                self.many.others.remove(&uri);
            }
        }
        if are_few {
            self.many.innermost.clear();
            self.many.others.clear();
        }
    }

    fn bind(&mut self, prefix: &'a str, namespace: Namespace, own_uri: Option<Cow<'a, str>>) {
        let index = self.bindings.len();
        if index == Self::FEW {
            self.index();
        }
        let hidden = if index < Self::FEW {
            None
        } else {
            if let Some(uri) = &own_uri {
                self.many.others.insert(uri.clone(), namespace);
            }
            self.many.innermost.insert(prefix, index)
        };
        self.others += usize::from(own_uri.is_some());
        self.bindings.push(Binding {
            prefix,
            namespace,
            hidden,
            own_uri,
        });
    }

    /// Makes ready for more bindings than few.
    fn index(&mut self) {
        for (index, binding) in self.bindings.iter().enumerate() {
            // Of bindings of one prefix, the last is the innermost.
            self.many.innermost.insert(binding.prefix, index);
            if let Some(uri) = &binding.own_uri {
                self.many.others.insert(uri.clone(), binding.namespace);
            }
        }
    }

    /// The number of a URI; with the URI when it is a new one. New ones leave
    /// scope in the reverse order, so no two in scope have the same number.
    fn number(&self, uri: Cow<'a, str>) -> (Namespace, Option<Cow<'a, str>>) {
        if let Some(known) = KNOWN.iter().position(|&known| known == uri) {
            return (Namespace(known), None);
        }
        match self.other(&uri) {
            Some(known) => (known, None),
            None => (Namespace(KNOWN.len() + self.others), Some(uri)),
        }
    }

    /// The number of a URI in scope that is not [`KNOWN`].
    fn other(&self, uri: &str) -> Option<Namespace> {
        if self.bindings.len() > Self::FEW {
            return self.many.others.get(uri).copied();
        }
        let owner = |binding: &&Binding<'_>| binding.own_uri.as_deref() == Some(uri);
        let owner = self.bindings.iter().find(owner)?;
        Some(owner.namespace)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn declared(declarations: &[(&'static str, &'static str)]) -> Namespaces<'static> {
        let mut namespaces = Namespaces::new();
        for &(prefix, uri) in declarations {
            namespaces.declare(prefix, uri.into()).unwrap();
        }
        namespaces
    }

    #[test]
    fn an_inner_declaration_hides_the_outer_until_it_leaves_scope() {
        let mut namespaces = declared(&[("p", "urn:outer"), ("", "urn:default")]);
        let (outer, len) = (namespaces.resolve("p"), namespaces.len());
        namespaces.declare("p", "urn:inner".into()).unwrap();
        namespaces.declare("", "".into()).unwrap();
        assert_ne!(namespaces.resolve("p"), outer);
        assert_eq!(namespaces.resolve(""), Some(Namespace::NONE));
        namespaces.truncate(len);
        assert_eq!(namespaces.resolve("p"), outer);
        assert_ne!(namespaces.resolve(""), Some(Namespace::NONE));
    }

    #[test]
    fn many_declarations_resolve_as_few_do() {
        let prefixes: Vec<String> = (0..100).map(|n| format!("p{n}")).collect();
        let mut namespaces = declared(&[("p7", "urn:outer")]);
        let (outer, len) = (namespaces.resolve("p7"), namespaces.len());
        for prefix in &prefixes {
            namespaces
                .declare(prefix, format!("urn:{prefix}").into())
                .unwrap();
        }
        let inner: Vec<_> = prefixes.iter().map(|p| namespaces.resolve(p)).collect();
        assert!(inner.iter().all(Option::is_some));
        assert_ne!(inner[7], outer);
        namespaces.truncate(len);
        assert_eq!(namespaces.resolve("p7"), outer);
        assert_eq!(namespaces.resolve("p8"), None);
    }

    #[test]
    fn equal_uris_are_one_namespace() {
        let namespaces = declared(&[("a", "urn:x"), ("b", "urn:x"), ("c", "urn:y")]);
        assert_eq!(namespaces.resolve("a"), namespaces.resolve("b"));
        assert_ne!(namespaces.resolve("a"), namespaces.resolve("c"));
    }

    #[test]
    fn uris_that_have_left_scope_are_forgotten() {
        let mut namespaces = declared(&[("a", "urn:a")]);
        let (outer, len) = (namespaces.resolve("a"), namespaces.len());
        for n in 0..100 {
            for uri in [format!("urn:{n}"), "urn:a".to_owned(), format!("urn:x{n}")] {
                namespaces.declare("b", uri.into()).unwrap();
                assert_eq!(namespaces.resolve("a"), outer);
            }
            assert_eq!(namespaces.others, 3);
            assert_ne!(namespaces.resolve("b"), outer);
            namespaces.truncate(len);
        }
        assert_eq!(namespaces.others, 1);
        namespaces.declare("b", "urn:a".into()).unwrap();
        assert_eq!(namespaces.resolve("b"), outer);
    }

    #[test]
    fn the_prefixes_xml_and_xmlns_keep_their_meaning() {
        let xml = "http://www.w3.org/XML/1998/namespace";
        let xmlns = "http://www.w3.org/2000/xmlns/";
        let mut namespaces = Namespaces::new();
        assert!(namespaces.resolve("xml").is_some());
        assert!(namespaces.declare("xml", xml.into()).is_ok());
        for (prefix, uri) in [
            ("xml", "urn:x"),
            ("p", xml),
            ("", xml),
            ("xmlns", xmlns),
            ("xmlns", "urn:x"),
            ("p", xmlns),
            ("", xmlns),
            ("p", ""),
        ] {
            let declared = namespaces.declare(prefix, uri.into());
            assert!(declared.is_err(), "{prefix}={uri}");
        }
    }
}
