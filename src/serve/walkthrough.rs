//! The whole flow as a handful of curl commands, printed at the start: they work when pasted.

use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Prints where the server listens, and the commands.
pub(super) fn print(out: &mut impl Write, api: SocketAddr, admin: Option<SocketAddr>, mailbox: bool) -> io::Result<()> {
    writeln!(out, "Reference server:   {}/v1", origin(api))?;
    if let Some(admin) = admin {
        writeln!(out, "Admin API:          {}", origin(admin))?;
    }
    if mailbox {
        writeln!(
            out,
            "Email and pushes:   printed here (a mailbox for development; --email and --push name real targets)"
        )?;
    }
    writeln!(out, "Ctrl-C stops it. The whole flow, to paste into another terminal:\n")?;
    out.write_all(script(api, admin.filter(|_| mailbox)).as_bytes())?;
    writeln!(out)
}

/// The commands. Braces around them make the shell read all of it first, so that a question does not swallow the next line.
fn script(api: SocketAddr, mailbox: Option<SocketAddr>) -> String {
    let (api, code) = (origin(api), code(mailbox));
    format!(
        r#"{{ # walk-through
API={api}/v1 EMAIL="ada-$RANDOM$RANDOM@example.test" PASSWORD='correct horse battery staple'
call() {{ curl -sS -H 'Content-Type: application/json' -H 'App-Version: 2.3.0' "$@"; }}
member() {{ sed -n 's/.*"'"$1"'":"\([^"]*\)".*/\1/p'; }}
# 1. An account: 202, whether the address was free or not.
call "$API/accounts" -d '{{"email":"'"$EMAIL"'","password":"'"$PASSWORD"'"}}'; echo
# 2. The password: 202, a pending challenge and its handle; a code is on its way.
HANDLE=$(call "$API/sign-ins" -d '{{"email":"'"$EMAIL"'","password":"'"$PASSWORD"'",
  "device":{{"installation":"my-laptop","name":"My laptop"}}}}' | tee /dev/stderr | member handle); echo
# 3. The code.
{code}
# 4. The code opens the session, and this device is trusted from now on.
ACCESS=$(call "$API/challenge/verify" -H "Authorization: Bearer $HANDLE" -d '{{"code":"'"$CODE"'"}}' | tee /dev/stderr | member access_token); echo
# 5. Who is signed in.
call "$API/session" -H "Authorization: Bearer $ACCESS"; echo
}}
"#
    )
}

fn code(mailbox: Option<SocketAddr>) -> String {
    match mailbox {
        Some(admin) => format!(
            r#"CODE=$(call "{}/mailbox/$EMAIL" | grep -o 'code is: [0-9]*' | tail -n 1 | grep -o '[0-9]*$'); echo "code: $CODE""#,
            origin(admin)
        ),
        None => r#"printf 'the code from the message: '; read -r CODE </dev/tty"#.to_owned(),
    }
}

/// The origin by which this machine reaches the address.
fn origin(address: SocketAddr) -> String {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    format!("http://{}", SocketAddr::new(ip, address.port()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_address_is_reached_by_loopback() {
        for (address, reached) in [
            ("0.0.0.0:80", "http://127.0.0.1:80"),
            ("[::]:80", "http://[::1]:80"),
            ("192.0.2.1:80", "http://192.0.2.1:80"),
        ] {
            assert_eq!(origin(address.parse().unwrap()), reached);
        }
    }

    #[test]
    fn without_a_mailbox_to_read_the_person_is_asked() {
        let address = "127.0.0.1:80".parse().unwrap();
        assert!(script(address, None).contains("read -r CODE"));
        assert!(!script(address, Some(address)).contains("read -r CODE"));
    }
}
