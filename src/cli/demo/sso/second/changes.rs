/// What may be strange about the pages of the second generation. Some of it is no fault, and is marked so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageFault {
    /// The sign-in page has no key.
    MissingKey,
    /// It has no token.
    MissingToken,
    /// Its form has another id.
    MissingForm,
    /// Its key is none.
    BrokenKey,
    /// Its key has 1024 bits. No fault: such keys are in use.
    SmallKey,
    /// Its form has one more hidden field, which must be sent. No fault.
    AddedField,
    /// The encrypted password is wanted under another name.
    RenamedField,
    /// A code comes before there was a password.
    CodeForNothing,
    /// The code comes with another state.
    WrongState,
    /// The service's address comes without a code.
    NoCode,
    /// The service's address comes with an OAuth error.
    ErrorCode,
    /// Redirects in a circle.
    Endless,
    /// Sends the browser to a host that is none of its own.
    Foreign,
    /// A page with nothing on it.
    Mute,
    /// Says no by a script that goes back, without a form.
    SaysAndGoesBack,
    /// Takes everybody's session for expired.
    AlwaysExpired,
}

/// How the browser is sent to the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Delivery {
    /// By a status 302.
    #[default]
    Status,
    /// By a form that submits itself.
    Form,
    /// By a script.
    Script,
    /// By a script to a form to a status.
    LongWay,
}
