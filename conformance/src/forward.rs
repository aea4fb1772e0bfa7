//! Targets that stand before another one.

/// The methods of `Target` that are answered by the target in this field, whatever stands before it.
macro_rules! forward_target {
    ($field:ident) => {
        fn name(&self) -> &str {
            self.$field.name()
        }
        fn origin(&self) -> &str {
            self.$field.origin()
        }
        fn parameters(&self) -> &specs::Parameters {
            self.$field.parameters()
        }
        fn offers(&self, operation: targets::OperationKind) -> bool {
            self.$field.offers(operation)
        }
        fn has(&self, capability: targets::Capability) -> bool {
            self.$field.has(capability)
        }
        fn two_step_by_default(&self) -> bool {
            self.$field.two_step_by_default()
        }
        fn delivery_patience(&self) -> std::time::Duration {
            self.$field.delivery_patience()
        }
        fn deliveries(&self) -> &targets::DeliveryLog {
            self.$field.deliveries()
        }
        fn faults(&self) -> Option<&targets::fakes::Faults> {
            self.$field.faults()
        }
        fn credential(&self, device: &targets::Device, kind: targets::CredentialKind) -> Option<String> {
            self.$field.credential(device, kind)
        }
        fn set_credential(&self, device: &mut targets::Device, kind: targets::CredentialKind, value: Option<String>) {
            self.$field.set_credential(device, kind, value);
        }
        fn wrong_code(&self, right: &str, nth: u32) -> String {
            self.$field.wrong_code(right, nth)
        }
    };
}
